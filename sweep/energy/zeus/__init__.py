"""The library Zeus, behind the zeus meter."""
