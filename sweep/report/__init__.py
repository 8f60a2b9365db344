"""What people read: console, CSV, HTML and JSON, from records only."""
