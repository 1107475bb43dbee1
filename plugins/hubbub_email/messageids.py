"""Read ids of letters, and make the key by which one letter is stored once."""

import hashlib
import re
from typing import Final

from hubbub_email.headers import Headers
from hubbub_email.texts import one_line

#: Of References, no more are looked at.
MOST: Final = 200
#: Longer ones are none that a program would repeat.
LONGEST: Final = 998
_ID: Final = re.compile(rb"<([^<>]{1,%d})>" % LONGEST)
#: What some devices write in place of an id.
_NO_ID: Final = re.compile(
    r"|<?[\s.@_-]*>?|<?(?:null|none|undefined|unknown|message-?id|0+)(?:@.*)?>?", re.IGNORECASE
)


def message_ids(raw: bytes) -> tuple[str, ...]:
    """Return the ids in a header, ``<...>``, in their order; a lone one may lack its brackets."""
    found = [_normalised(one) for one in _ID.findall(raw)[-MOST:]]
    if not found and len(raw.split()) == 1 and len(raw) <= LONGEST:
        found = [_normalised(raw.strip().strip(b"<>"))]
    return tuple(one for one in found if not _NO_ID.fullmatch(one))


def dedupe_key(headers: Headers, body: bytes) -> str:
    """Return what two copies of one letter share, and two letters do not.

    The id alone would not do: some devices use one for ever, and say the same each day. So what it
    says, who wrote it and when are parts of the key, without the line ends and blank lines at its
    end that differ between servers.
    """
    digest = hashlib.sha256(body.replace(b"\r\n", b"\n").replace(b"\r", b"\n").strip())
    for name in ("date", "from", "reply-to"):
        digest.update(b"\0" + headers.text(name).encode())
    if ids := message_ids(headers.raw("message-id")):
        return f"{ids[0]}#{digest.hexdigest()[:12]}"
    for name in ("to", "subject"):
        digest.update(b"\0" + headers.text(name).encode())
    return f"sha256:{digest.hexdigest()}"


def _normalised(raw: bytes) -> str:
    # Folding puts blanks into long ones. Case matters to the left of the @, and is left alone.
    inner = "".join(one_line(raw.decode("utf-8", "replace")).split())
    local, at, domain = inner.rpartition("@")
    return f"<{local}{at}{domain.lower()}>"
