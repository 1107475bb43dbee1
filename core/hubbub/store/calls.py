"""Read kept calls back."""

from hubbub.sdk.values import Call, Headers
from hubbub.store.types import AnyRow


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
