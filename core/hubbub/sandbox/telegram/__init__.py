"""Simulate Telegram's Bot API."""
