"""Simulate Twilio's Programmable Messaging."""
