"""Meters, one file each."""
