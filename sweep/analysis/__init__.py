"""Numbers from records: numpy, pandas and scipy, never torch."""
