"""Sign what a window hands back to us: addresses of files, and the ids of uploads."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from hubbub.vault import Vault

#: How long the address of a file is good at least, and at most.
_GOOD_FOR: Final = timedelta(hours=1)


def media_query(vault: Vault, media_id: str, now: datetime) -> dict[str, str]:
    """Return the parameters that open a file for an hour or two.

    They change once an hour, so that a browser that has the file does not fetch it again.
    """
    hours = int(now.timestamp() / _GOOD_FOR.total_seconds()) + 2
    until = str(int(hours * _GOOD_FOR.total_seconds()))
    return {"until": until, "sig": vault.sign(_media(media_id, until))}


def opens_media(vault: Vault, media_id: str, query: Mapping[str, str], now: datetime) -> bool:
    """Whether these parameters open a file now."""
    until = query.get("until", "")
    if not vault.signed(_media(media_id, until), query.get("sig", "")):
        return False
    return now.timestamp() < int(until)


def upload_name(vault: Vault, media_id: str, address: str) -> str:
    """Return the name of an upload that its visitor alone can use."""
    return f"{media_id}.{vault.sign(_upload(media_id, address))}"


def upload_id(vault: Vault, name: str, address: str) -> str | None:
    """Return the id of an upload of this visitor; None for somebody else's."""
    media_id, _, signature = name.partition(".")
    return media_id if vault.signed(_upload(media_id, address), signature) else None


def _media(media_id: str, until: str) -> str:
    return f"widget media:{media_id}:{until}"


def _upload(media_id: str, address: str) -> str:
    return f"widget upload:{media_id}:{address}"
