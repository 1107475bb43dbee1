"""Say whose certificates vouch for a server."""

import ssl
from functools import lru_cache

import certifi


@lru_cache(maxsize=64)
def trusting(certificates: str = "") -> ssl.SSLContext:
    """Return what believes in everybody's authorities and in ``certificates`` (PEM).

    All who ask share it, and change nothing of it. Raises `ssl.SSLError` for what is no
    certificate.
    """
    return own_trust(certificates)


def own_trust(certificates: str = "") -> ssl.SSLContext:
    """Return the same for one's own, to be changed at will. It takes 27 ms to make."""
    context = ssl.create_default_context(cafile=certifi.where())
    if certificates:
        context.load_verify_locations(cadata=certificates)
    return context
