"""Read key files: the private key of an application, and the public one that Vonage shows."""

import re
from functools import lru_cache
from textwrap import wrap
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    load_pem_private_key,
    load_pem_public_key,
)

_PEM: Final = re.compile(r"-----BEGIN ([A-Z ]+)-----(.+)-----END \1-----", re.DOTALL)
_LINE: Final = 64


def tidy(pasted: str) -> str:
    """Return a private key with one line break after each line, however it was pasted.

    A field of one line loses them, and some programs write them as a backslash and an n.
    Raises `ValueError`.
    """
    found = _PEM.search(pasted.replace("\\n", "\n"))
    if found is None:
        raise ValueError("Paste the whole file, from -----BEGIN PRIVATE KEY----- to its end.")
    body = "\n".join(wrap("".join(found[2].split()), _LINE))
    pem = f"-----BEGIN {found[1]}-----\n{body}\n-----END {found[1]}-----\n"
    private_key(pem)
    return pem


@lru_cache(maxsize=64)
def private_key(pem: str) -> RSAPrivateKey:
    """Return the private key of an application. Raises `ValueError`."""
    try:
        key = load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError("This is no private key, or one behind a password.") from None
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("The private key of a Vonage application is an RSA key.")  # noqa: TRY004  # the form wants a ValueError
    return key


def fit(private_pem: str, public_pem: str) -> bool:
    """Say whether the two are halves of one key."""
    try:
        public = load_pem_public_key(public_pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        return False
    return isinstance(public, RSAPublicKey) and private_key(private_pem).public_key() == public
