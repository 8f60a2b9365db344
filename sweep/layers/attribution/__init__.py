"""From marks and joules to rows: pure functions, and the ledger that keeps their sums."""
