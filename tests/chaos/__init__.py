"""Kill and starve a real hub while it works, and count what is lost: ``python -m tests.chaos``."""
