"""Encrypt what is secret, so that the database alone gives nothing away."""

import base64
import hashlib
import hmac
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hubbub.sdk.errors import HubError

#: Bytes that name the key in front of a ciphertext.
KEY_ID_LENGTH = 4
_NONCE = 12
_OTHER_KEY = (
    "The stored credentials cannot be decrypted: HUBBUB_SECRET_KEY is not the key they were "
    "encrypted with. Add the earlier key to it, behind a comma."
)


class Undecryptable(HubError):
    """The ciphertext was made with a key we do not have, or for another row."""

    code = "undecryptable"


class Vault:
    """AES-256-GCM under the first of several keys; the others still decrypt.

    A ciphertext is bound to its row: moved to another one it does not decrypt.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = {key_id(key): AESGCM(_derive(key, b"encryption")) for key in keys}
        self._first = key_id(keys[0])
        self._signing = [_derive(key, b"signing") for key in keys]

    def seal(self, value: Mapping[str, Any], row_id: str) -> bytes:
        """Return ``value`` as JSON, encrypted for the row ``row_id``."""
        nonce = os.urandom(_NONCE)
        data = json.dumps(value, separators=(",", ":")).encode()
        return self._first + nonce + self._keys[self._first].encrypt(nonce, data, row_id.encode())

    def open(self, sealed: bytes, row_id: str) -> dict[str, Any]:
        """Return what `seal` encrypted. Raises `Undecryptable`."""
        name, rest = sealed[:KEY_ID_LENGTH], sealed[KEY_ID_LENGTH:]
        key = self._keys.get(name)
        nonce, data = rest[:_NONCE], rest[_NONCE:]
        if key is None:
            raise Undecryptable(_OTHER_KEY)
        try:
            opened: dict[str, Any] = json.loads(key.decrypt(nonce, data, row_id.encode()))
        except InvalidTag:
            raise Undecryptable(_OTHER_KEY) from None
        return opened

    def resealed(self, sealed: bytes, row_id: str) -> bytes:
        """Return what `seal` encrypted, encrypted anew. Raises `Undecryptable`."""
        return self.seal(self.open(sealed, row_id), row_id)

    def sign(self, text: str) -> str:
        """Return an unguessable signature of ``text``, fit for a URL."""
        return _signature(self._signing[0], text)

    def signed(self, text: str, signature: str) -> bool:
        """Whether ``signature`` is ours for ``text``, under any of the keys."""
        return any(
            hmac.compare_digest(_signature(key, text).encode(), signature.encode())
            for key in self._signing
        )


def digest(secret: str) -> str:
    """Return what to store of a token that only its holder knows."""
    return hashlib.sha256(secret.encode()).hexdigest()


def key_id(key: str) -> bytes:
    """Return what names ``key`` in front of a ciphertext, and gives nothing of it away."""
    return hashlib.blake2b(key.encode(), digest_size=KEY_ID_LENGTH, person=b"key id").digest()


def _derive(key: str, purpose: bytes) -> bytes:
    return hashlib.blake2b(key.encode(), digest_size=32, person=purpose[:16]).digest()


def _signature(key: bytes, text: str) -> str:
    mac = hmac.new(key, text.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(mac).decode().rstrip("=")
