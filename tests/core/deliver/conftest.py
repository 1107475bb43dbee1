"""Give tests of sending real servers to send to."""

from tests.services.peers import serve

__all__ = ["serve"]
