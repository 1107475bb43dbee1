"""Serve the chat window that stands on other people's sites: the provider of ``webchat``."""
