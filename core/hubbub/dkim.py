"""Sign letters in the name of a domain (DKIM). Source: RFC 6376, RFC 8463.

Head and body are signed as ``relaxed`` has them: what servers do to blanks on the way does no harm.
"""

import base64
import hashlib
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from hubbub.sdk.values import DomainKey

#: What readers go by, and one click (RFC 8058). Each is named once more than it is there, lest
#: somebody adds another one.
_SIGNED: Final = (
    "from",
    "to",
    "reply-to",
    "subject",
    "date",
    "message-id",
    "in-reply-to",
    "references",
    "auto-submitted",
    "list-unsubscribe",
    "list-unsubscribe-post",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
)
_FIELD: Final = re.compile(rb"[^\r\n]+(?:\r\n[ \t][^\r\n]*)*")
_BLANKS: Final = re.compile(rb"[ \t]+")
_BLANKS_AT_END: Final = re.compile(rb"[ \t]+(?=\r\n)|[ \t]+\Z")
_LINE: Final = 72


def signed(letter: bytes, key: DomainKey) -> bytes:
    """Return ``letter`` with a signature before it.

    Raises `ValueError` for a key that is none of RSA or Ed25519.
    """
    head, _, body = letter.partition(b"\r\n\r\n")
    fields = {field.partition(b":")[0].lower().decode("latin-1"): field for field in _fields(head)}
    signer = _signer(key.private_key)
    present = [name for name in _SIGNED if name in fields]
    digest = base64.b64encode(hashlib.sha256(_relaxed_body(body)).digest()).decode()
    begun = (
        f"DKIM-Signature: v=1; a={_algorithm(signer)}; c=relaxed/relaxed; d={key.domain};\r\n"
        f" s={key.selector}; h={_folded(_named(present))};\r\n bh={digest};\r\n b="
    ).encode()
    lines = [_relaxed(fields[name]) for name in present]
    proof = _sign(signer, b"\r\n".join([*lines, _relaxed(begun)]))
    return b"%s%s\r\n%s" % (begun, _broken(base64.b64encode(proof)), letter)


def _fields(head: bytes) -> list[bytes]:
    # Of fields that are there more than once, the last one counts: it is the one to be signed.
    return _FIELD.findall(head)


def _named(present: Iterable[str]) -> str:
    return ":".join(name for one in present for name in (one, one))


def _folded(names: str) -> str:
    """Return a list of names in lines that are not too long."""
    return re.sub(rf"(.{{1,{_LINE}}}):", r"\1:\r\n  ", names)


def _broken(proof: bytes) -> bytes:
    return b"\r\n ".join(proof[at : at + _LINE] for at in range(0, len(proof), _LINE))


def _relaxed(field: bytes) -> bytes:
    name, _, value = field.partition(b":")
    unfolded = _BLANKS.sub(b" ", value.replace(b"\r\n", b""))
    return name.strip().lower() + b":" + unfolded.strip()


def _relaxed_body(body: bytes) -> bytes:
    text = _BLANKS_AT_END.sub(b"", _BLANKS.sub(b" ", body)).rstrip(b"\r\n")
    return text + b"\r\n" if text else b""


@lru_cache(maxsize=64)
def _signer(pem: str) -> RSAPrivateKey | Ed25519PrivateKey:
    key = load_pem_private_key(pem.encode(), None)
    if not isinstance(key, RSAPrivateKey | Ed25519PrivateKey):
        raise ValueError("Letters are signed with RSA or Ed25519.")  # noqa: TRY004  # a value of a form
    return key


def _algorithm(signer: RSAPrivateKey | Ed25519PrivateKey) -> str:
    return "rsa-sha256" if isinstance(signer, RSAPrivateKey) else "ed25519-sha256"


def _sign(signer: RSAPrivateKey | Ed25519PrivateKey, data: bytes) -> bytes:
    if isinstance(signer, RSAPrivateKey):
        return signer.sign(data, padding.PKCS1v15(), hashes.SHA256())
    # RFC 8463, section 3: what is signed is the hash.
    return signer.sign(hashlib.sha256(data).digest())
