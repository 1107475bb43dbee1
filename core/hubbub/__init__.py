"""Hubbub: a self-hosted hub for customer messages."""

__version__ = "0.1.0"
