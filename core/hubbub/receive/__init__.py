"""Receive webhook calls: verified, kept, answered."""
