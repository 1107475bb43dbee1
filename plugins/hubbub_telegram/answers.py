"""Read what the Bot API answers. Source: Bot API, "Making requests" and "ResponseParameters"."""

import re
from datetime import timedelta
from typing import Any, Final, TypeVar

from pydantic import Field, ValidationError

from hubbub.sdk import (
    AuthFailed,
    HttpResponse,
    Permanent,
    RateLimited,
    SendError,
    Transient,
    Wire,
)
from hubbub_telegram.errors import Refusal, refused
from hubbub_telegram.wire import Chat, Count, Id

W = TypeVar("W", bound=Wire)
#: Seconds to wait where an answer says "too many" and not how long, and at most.
_DEFAULT_WAIT: Final = 5
_LONGEST_WAIT: Final = 24 * 60 * 60
_SECONDS: Final = re.compile(r"[0-9]{1,9}")


class Parameters(Wire):
    """What a failure adds for programs."""

    #: Seconds.
    retry_after: Count | None = None
    #: The supergroup that a group became.
    migrate_to_chat_id: Id | None = None


class Answer(Wire):
    """The envelope of every answer."""

    ok: bool
    result: Any = None
    error_code: Count | None = None
    description: str = ""
    parameters: Parameters = Field(default_factory=Parameters)


class Bot(Wire):
    """What ``getMe`` tells."""

    id: Id
    username: str = ""
    can_join_groups: bool = True
    can_read_all_group_messages: bool = True


class WebhookInfo(Wire):
    """What ``getWebhookInfo`` tells."""

    url: str = ""
    pending_update_count: Count = 0
    #: Seconds since 1970; kept after recovery.
    last_error_date: Count = 0
    last_error_message: str = ""
    #: Left out where it is Telegram's default list.
    allowed_updates: tuple[str, ...] | None = None


class StoredFile(Wire):
    """What ``getFile`` tells."""

    file_path: str = ""


class SentMessage(Wire):
    """What of a message we sent is worth knowing."""

    message_id: Id
    chat: Chat


def read(response: HttpResponse, *, lost: type[SendError]) -> Answer:
    """Return the answer in ``response``, be it a success or a refusal.

    Raises the `SendError` that stands for one which is not the Bot API's: ``lost`` where the
    request succeeded and we cannot read how.
    """
    try:
        answer = Answer.model_validate_json(response.body)
    except ValidationError:
        raise _unreadable(response, lost) from None
    if answer.ok and not _succeeded(response):
        raise _unreadable(response, lost)
    return answer


def refusal_of(answer: Answer, response: HttpResponse) -> Refusal:
    """Return what the unsuccessful ``answer`` says."""
    return Refusal(status=answer.error_code or response.status, description=answer.description)


def failure(answer: Answer, response: HttpResponse, *, whole_channel: bool) -> SendError:
    """Return the error that the unsuccessful ``answer`` stands for."""
    refusal = refusal_of(answer, response)
    if refusal.status == 429:  # noqa: PLR2004  # HTTP's own number
        wait = answer.parameters.retry_after
        return _too_many(response, seconds=wait, whole_channel=whole_channel)
    return refused(refusal)


def result(response: HttpResponse, model: type[W], *, lost: type[SendError] = Transient) -> W:
    """Return the result in ``response`` as ``model``. Raises the `SendError` it stands for."""
    return result_of(accepted(response, lost=lost), model, lost=lost)


def result_of(answer: Answer, model: type[W], *, lost: type[SendError]) -> W:
    """Return the result of a successful ``answer`` as ``model``; raise ``lost`` if it is none."""
    try:
        return model.model_validate(answer.result)
    except ValidationError:
        raise lost(
            "Telegram said yes, but its answer does not hold what is documented.",
            code="unreadable_answer",
        ) from None


def accepted(response: HttpResponse, *, lost: type[SendError] = Transient) -> Answer:
    """Return the successful answer in ``response``. Raises the `SendError` it stands for."""
    answer = read(response, lost=lost)
    if not answer.ok:
        # No chat is asked about here, so a limit is one of the bot.
        raise failure(answer, response, whole_channel=True)
    return answer


def _succeeded(response: HttpResponse) -> bool:
    return 200 <= response.status < 300  # noqa: PLR2004  # HTTP's own numbers


def _unreadable(response: HttpResponse, lost: type[SendError]) -> SendError:
    """Classify an answer by its status alone: a proxy's page says nothing about the chat."""
    code = str(response.status)
    if _succeeded(response):
        return lost(
            "Telegram seems to have said yes, but its answer cannot be read.",
            code="unreadable_answer",
            provider_code=code,
        )
    match response.status:
        case 401 | 421:
            return AuthFailed("Telegram refused the token.", provider_code=code)
        case 413:
            return Permanent("The file is too large.", code="too_large", provider_code=code)
        case 429:
            return _too_many(response, seconds=None, whole_channel=True)
        case 502 | 504:
            # Whoever stands before the Bot API waited no longer: it may be done all the same.
            return lost(
                f"HTTP status {code} came in place of an answer of the Bot API.",
                code="unexpected_answer",
                provider_code=code,
            )
    return Transient(
        f"HTTP status {code} came without an answer of the Bot API. If this lasts, check the API "
        "base URL of the channel.",
        code="unexpected_answer",
        provider_code=code,
    )


def _too_many(response: HttpResponse, *, seconds: int | None, whole_channel: bool) -> RateLimited:
    header = response.headers.get("retry-after", "")
    if seconds is None:
        seconds = int(header) if _SECONDS.fullmatch(header) else _DEFAULT_WAIT
    seconds = min(seconds, _LONGEST_WAIT)
    return RateLimited(
        f"Telegram asks us to wait {seconds} seconds.",
        retry_after=timedelta(seconds=seconds),
        whole_channel=whole_channel,
        provider_code="429",
    )
