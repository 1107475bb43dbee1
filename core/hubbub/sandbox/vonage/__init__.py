"""Imitate Vonage: its Messages API, and as much of its account, application and numbers."""
