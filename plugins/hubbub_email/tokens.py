"""Put proofs into what we send, and check those that come back.

A letter is ours, or an answer to ours, when it carries an id with a MAC that only the hub can
make. Nothing else in a letter proves anything. All forms survive programs that change case.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Final, NamedTuple

#: Characters of base32, five bits each.
_MAC_LENGTH: Final = 10
#: What a conversation's token adds to the part of an address before the @: its mark, an id of the
#: hub, a dot and the MAC.
PLUS_LENGTH: Final = len("+c_") + 26 + len(".") + _MAC_LENGTH
_ID: Final = r"[0-9a-z]{8,40}"
_SEALED: Final = re.compile(rf"(?P<id>{_ID})\.(?P<mac>[a-z2-7]{{{_MAC_LENGTH}}})")
_PLUS: Final = re.compile(rf"\+(?P<kind>[cb])_(?P<sealed>{_SEALED.pattern})@", re.IGNORECASE)
_IN_TEXT: Final = re.compile(
    rf"(?<![0-9a-z])(?P<sealed>{_SEALED.pattern})(?![0-9a-z])", re.IGNORECASE
)


class Purpose(StrEnum):
    """What an id names; a MAC made for one purpose proves nothing for another."""

    #: A delivery's reference, in the Message-ID of its letter.
    DELIVERY = "delivery"
    #: A conversation, in the address that answers go to.
    CONVERSATION = "conversation"
    #: A delivery's reference, in the address that bounces go to.
    BOUNCE = "bounce"


class Proof(NamedTuple):
    """An id that only we can have given away."""

    purpose: Purpose
    id: str


def key_of(secret: str) -> bytes:
    """Return the key of all MACs of a channel, from the secret that the hub made for it."""
    return hmac.digest(secret.encode(), b"letters", hashlib.sha256)


def mac(purpose: Purpose, plain: str, key: bytes) -> str:
    """Return the MAC of ``plain`` for one purpose."""
    digest = hmac.digest(key, f"{purpose}:{plain}".encode(), hashlib.sha256)
    return base64.b32encode(digest).decode().lower()[:_MAC_LENGTH]


def proves(given: str, purpose: Purpose, plain: str, key: bytes) -> bool:
    """Whether ``given`` is the MAC of ``plain``."""
    return hmac.compare_digest(given.encode(), mac(purpose, plain, key).encode())


def seal(purpose: Purpose, plain: str, key: bytes) -> str:
    """Return ``plain`` with its MAC: ``<id>.<mac>``."""
    return f"{plain}.{mac(purpose, plain, key)}"


def opened(purpose: Purpose, sealed: str, key: bytes) -> str | None:
    """Return the id in ``sealed`` if its MAC is ours for ``purpose``, else None."""
    found = _SEALED.fullmatch(sealed.lower())
    if found is None:
        return None
    return found["id"] if proves(found["mac"], purpose, found["id"], key) else None


def message_id(reference: str, domain: str, key: bytes) -> str:
    """Return the Message-ID of the letter that carries a delivery, the same on every attempt."""
    return f"<{seal(Purpose.DELIVERY, reference, key)}@{domain}>"


def reply_address(address: str, conversation: str, key: bytes) -> str:
    """Return ``address`` with the token of a conversation: ``support+c_<id>.<mac>@...``."""
    return _plus(address, f"c_{seal(Purpose.CONVERSATION, conversation, key)}")


def bounce_address(address: str, reference: str, key: bytes) -> str:
    """Return ``address`` with the token of a delivery, for the envelope: what bounces is named."""
    return _plus(address, f"b_{seal(Purpose.BOUNCE, reference, key)}")


def of_addresses(addresses: Iterable[str], key: bytes) -> Iterator[Proof]:
    """Yield what the plus-tokens of ``addresses`` prove."""
    for address in addresses:
        for found in _PLUS.finditer(address):
            bounce = found["kind"].lower() == "b"
            purpose = Purpose.BOUNCE if bounce else Purpose.CONVERSATION
            if plain := opened(purpose, found["sealed"], key):
                yield Proof(purpose, plain)


def of_message_ids(ids: Iterable[str], key: bytes) -> Iterator[Proof]:
    """Yield the deliveries that Message-IDs of ours name."""
    for one in ids:
        if plain := opened(Purpose.DELIVERY, one.strip("<>").partition("@")[0], key):
            yield Proof(Purpose.DELIVERY, plain)


def of_text(text: str, key: bytes) -> Iterator[Proof]:
    """Yield the deliveries whose Message-IDs, or ids of ours, stand anywhere in ``text``."""
    for found in _IN_TEXT.finditer(text):
        if plain := opened(Purpose.DELIVERY, found["sealed"], key):
            yield Proof(Purpose.DELIVERY, plain)


def _plus(address: str, token: str) -> str:
    local, _, domain = address.rpartition("@")
    return f"{local}+{token}@{domain}"
