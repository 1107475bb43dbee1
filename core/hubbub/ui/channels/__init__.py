"""Show channels, set them up, and show what their providers called."""
