"""Carry messages to contacts and destinations."""
