"""Say whose certificates vouch for a server that does not speak HTTP."""

import ssl
from functools import lru_cache

import certifi


@lru_cache(maxsize=64)
def trusting(certificates: str = "") -> ssl.SSLContext:
    """Return what believes in everybody's authorities and in ``certificates`` (PEM).

    Raises `ssl.SSLError` for what is no certificate.
    """
    context = ssl.create_default_context(cafile=certifi.where())
    if certificates:
        context.load_verify_locations(cadata=certificates)
    return context
