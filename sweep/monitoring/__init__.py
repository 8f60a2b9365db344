"""What the monitor is made of: intervals, named windows, curves of what was logged, and the choice of a meter."""
