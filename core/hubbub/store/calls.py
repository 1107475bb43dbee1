"""Read kept calls back."""

from collections.abc import Mapping
from typing import Any, Final

from hubbub.sdk.values import Call, Headers
from hubbub.store.types import AnyRow

#: What a call says of itself that lost all it told with the contact whom it told of.
ERASED: Final = "Its contact was erased."
#: What such a call is left with. Some providers tell all in the address that they call.
EMPTIED: Final[Mapping[str, Any]] = {"url": "", "headers": {}, "body": b"", "reason": ERASED}


def kept_call(row: AnyRow) -> Call:
    """Return the call as it arrived, from its row."""
    return Call(
        id=row.id,
        method=row.method,
        url=row.url,
        headers=Headers(row.headers),
        body=row.body,
        received_at=row.received_at,
    )
