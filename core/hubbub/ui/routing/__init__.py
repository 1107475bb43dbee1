"""Put the rules of a channel in order, try them, and look back."""
