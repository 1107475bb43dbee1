"""Show conversations and answer in them."""
