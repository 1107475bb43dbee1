"""A made-up channel, calls and answers."""

from tests.services.kannel import kannel

__all__ = ["kannel"]
