"""The power of each layer, measured before a training: hot replay, then doped blocks."""
