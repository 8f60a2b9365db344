"""What a training loop tells: one written for us, and anyone's."""
