"""Imitate the Messenger Platform: Pages, the people who write to them, and what Meta tells."""
