"""Checks around a measurement: load of others, idle power, steadiness."""
