"""Declare every actor on the broker: ``dramatiq worker``."""

from hubbub.worker import *  # noqa: F403  # dramatiq looks for actors and the broker here
