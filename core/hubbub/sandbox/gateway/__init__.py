"""Imitate an SMS gateway: Kannel, its HTTP interface and the network behind it."""
