"""Try again what failed for one cause, a few at a time."""
