"""What to try or measure next, beside the setups to train: paradigm, dimension, layer, and better measurement."""
