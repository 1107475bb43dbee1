"""Give tests of sending real servers to send to."""

from tests.services.peers import certificate, serve

__all__ = ["certificate", "serve"]
