"""From counters to joules: meters, the timeline they fill, and the poller that fills it."""
