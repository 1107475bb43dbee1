"""Connect channels: their credentials, set-up at the provider, status and routes."""
