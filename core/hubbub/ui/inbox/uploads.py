"""Keep a file that somebody attaches."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from werkzeug.datastructures import FileStorage

from hubbub.api.media import store_upload
from hubbub.hub import Hub

Kind: TypeAlias = Literal["image", "audio", "video", "document"]


@dataclass(frozen=True)
class Upload:
    """A stored file and what kind of content it makes."""

    id: str
    kind: Kind


def keep_upload(hub: Hub, file: FileStorage) -> Upload:
    """Store ``file`` and say how it is sent. Raises `HubError` for one that cannot be sent."""
    row = store_upload(hub, file)
    family = (row["mime_type"] or "").partition("/")[0]
    kinds: dict[str, Kind] = {"image": "image", "audio": "audio", "video": "video"}
    return Upload(row["id"], kinds.get(family, "document"))
