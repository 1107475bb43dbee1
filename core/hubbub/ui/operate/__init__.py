"""Show how this instance is, what failed, and what became of one message."""
