"""What people do with the demo, in a browser."""
