"""Read the key that letters are signed with (DKIM)."""

import re
from textwrap import wrap
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

_PEM: Final = re.compile(r"-----BEGIN ([A-Z ]+)-----(.+)-----END \1-----", re.DOTALL)
_LINE: Final = 64
#: Keys that are shorter are refused by those who check them (RFC 8301).
_SHORTEST: Final = 1024


def tidy(pasted: str) -> str:
    """Return a private key with one line break after each line, however it was pasted.

    A field of one line loses them. Raises `ValueError`.
    """
    found = _PEM.search(pasted)
    if found is None:
        raise ValueError("paste the whole file, from -----BEGIN PRIVATE KEY----- to its end")
    body = "\n".join(wrap("".join(found[2].split()), _LINE))
    pem = f"-----BEGIN {found[1]}-----\n{body}\n-----END {found[1]}-----\n"
    if not _signs(pem):
        raise ValueError("give a private key: RSA of 1024 bits or more, or Ed25519")
    return pem


def _signs(pem: str) -> bool:
    try:
        key = load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return False
    if isinstance(key, RSAPrivateKey):
        return key.key_size >= _SHORTEST
    return isinstance(key, Ed25519PrivateKey)
