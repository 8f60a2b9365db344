"""Energy of every layer: marks set by hooks on a few steps, and the joining of marks and joules afterwards."""
