"""The study: what runs next, running it, and keeping it."""
