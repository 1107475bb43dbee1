"""Declare every actor on the broker: ``dramatiq worker``."""

from hubbub.worker import declare

broker = declare()
