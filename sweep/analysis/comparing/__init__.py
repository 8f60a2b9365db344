"""Two studies of one experiment, usually on two machines, side by side."""
