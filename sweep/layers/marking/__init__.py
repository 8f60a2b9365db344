"""Marks: hooks that note, on some steps, which layer is at work, and the log of it."""
