"""Take uploads, and hand out files so that no browser runs what is in them."""

from typing import Any, Final
from urllib.parse import quote

from flask import Request, Response
from werkzeug.datastructures import FileStorage

from hubbub.api import queries, render, shapes
from hubbub.api.endpoint import Ask, Endpoint, Nothing, bearer_for, endpoint
from hubbub.api.problems import Problem, Refusal
from hubbub.hub import Hub
from hubbub.media import dimensions, presentation, sniff
from hubbub.people.errors import Complaint, Invalid, NotFound
from hubbub.store.clean import file_name
from hubbub.store.session import reading, transaction
from hubbub.store.types import new_id

#: Bytes of one upload: as much as the most generous provider takes for a document.
UPLOAD_LIMIT: Final = 100 << 20
#: For the bytes beside the file that a form is made of.
_FORM_OVERHEAD: Final = 1 << 16


@endpoint(
    "POST",
    "/media",
    tag="Media",
    scope="write",
    status=201,
    problems=("too-large",),
    form={"file": "The file; its name goes with it."},
)
def post_media(hub: Hub, ask: Ask[Nothing, Nothing]) -> shapes.MediaJson:
    """Upload a file (`multipart/form-data`) to send it later by its id."""
    return render.media(hub, store_upload(hub, _file(ask.request)))


def store_upload(hub: Hub, file: FileStorage) -> dict[str, Any]:
    """Keep an upload and return its row.

    Raises `Refusal` for one that is too large, and `Invalid` for an empty one, which no provider
    takes.
    """
    body = file.stream.read(UPLOAD_LIMIT + 1)
    if not body:
        raise Invalid(Complaint("file", "The file is empty."))
    if len(body) > UPLOAD_LIMIT:
        detail = f"Take a file of at most {UPLOAD_LIMIT >> 20} MB."
        raise Refusal(Problem(code="too-large", detail=detail))
    return keep_upload(
        hub, body, mime_type=sniff(body, file.mimetype), filename=file.filename or ""
    )


def keep_upload(
    hub: Hub, body: bytes, *, mime_type: str, filename: str, **whose: str
) -> dict[str, Any]:
    """Keep a file that was looked at, and return its row.

    Of a contact's own ``whose`` says their ``channel_id``, and as ``ref`` their address.
    """
    row = {**_row(hub, body, mime_type, filename), **whose}
    # The file first: a row without a file would promise what is not there.
    hub.media.put(row["id"], body)
    with transaction(hub.engine) as db:
        queries.add_media(db, **row)
    return row


def serve(hub: Hub, request: Request, media_id: str) -> Response:
    """Answer with a file, to whoever has its signed address or a token.

    Raises `NotFound` or `Refusal`.
    """
    signature = request.args.get("sig", "")
    if not hub.vault.signed(f"media:{media_id}", signature):
        bearer_for(hub, request, "read")
    return answer_with(hub, media_id)


def answer_with(hub: Hub, media_id: str) -> Response:
    """Answer with a file, to whoever may have it. Raises `NotFound`."""
    with reading(hub.engine) as db:
        row = queries.media_files(db, [media_id]).get(media_id)
    if row is None or row.state != "ready":
        raise NotFound("There is no such file, or it has not arrived yet.")
    content_type, disposition = presentation(row.mime_type)
    answer = Response(hub.media.get(media_id), content_type=content_type)
    answer.headers.update(
        {
            "Content-Disposition": _disposition(disposition, row.filename),
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            # The frame of a letter has no origin of its own; the signature is what lets in.
            "Cross-Origin-Resource-Policy": "cross-origin",
            # An id never gets another file.
            "Cache-Control": "private, max-age=86400, immutable",
        }
    )
    return answer


def _file(request: Request) -> FileStorage:
    if request.mimetype != "multipart/form-data":
        detail = "Send the file as multipart/form-data, in a field named file."
        raise Refusal(Problem(code="unsupported-media-type", detail=detail))
    request.max_content_length = UPLOAD_LIMIT + _FORM_OVERHEAD
    file = request.files.get("file")
    if file is None:
        raise Invalid(Complaint("file", "Send the file in a field with this name."))
    return file


def _row(hub: Hub, body: bytes, mime_type: str, filename: str) -> dict[str, Any]:
    size = dimensions(body)
    return {
        "id": new_id(),
        "state": "ready",
        "reason": "",
        "mime_type": mime_type,
        "filename": file_name(filename),
        "size": len(body),
        "width": size[0] if size else None,
        "height": size[1] if size else None,
        "attempts": 0,
        "created_at": hub.now(),
    }


def _disposition(kind: str, filename: str | None) -> str:
    return f"{kind}; filename*=UTF-8''{quote(filename)}" if filename else kind


ENDPOINTS: tuple[Endpoint, ...] = (post_media,)
