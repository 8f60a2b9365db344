"""The training loop and early stopping."""
