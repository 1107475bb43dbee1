"""Name what can go wrong; the class says what to do about it."""

from datetime import timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from hubbub.sdk.values import Renewed


class HubError(Exception):
    """Anything the hub can explain.

    ``code`` is a stable word for logs, metrics and the API; the text is for people.
    """

    code = "error"

    def __init__(self, detail: str = "", *, code: str | None = None) -> None:
        super().__init__(detail)
        #: What happened, for a person.
        self.detail = detail
        if code is not None:
            self.code = code


class WebhookError(HubError):
    """What a provider sent us is unusable."""

    code = "webhook_error"


class BadSignature(WebhookError):
    """Not proven to come from the provider: answered 401 and quarantined."""

    code = "bad_signature"


class MalformedPayload(WebhookError):
    """Authentic but not as documented: kept, answered, shown.

    ``field`` names what is wrong in it, such as ``actions.0.text``, where that can be said.
    """

    code = "malformed_payload"

    def __init__(self, detail: str = "", *, field: str = "", code: str | None = None) -> None:
        super().__init__(detail, code=code)
        self.field = field


class BadAddress(HubError):
    """What somebody gave as an address can be none on this channel; the text says what can."""

    code = "bad_address"


class SendError(HubError):
    """What we asked of a provider did not work."""

    code = "send_error"
    #: Whether trying the very same again later can help.
    retryable = False
    #: What had to be renewed before it failed, to be kept all the same: set by who raises it.
    renewed: "Renewed | None" = None

    def __init__(
        self, detail: str = "", *, code: str | None = None, provider_code: str | None = None
    ) -> None:
        super().__init__(detail, code=code)
        #: The provider's own code, as text.
        self.provider_code = provider_code


class Transient(SendError):
    """Try again later."""

    code = "temporary"
    retryable = True


#: What a provider's plea to wait may come to: never at once again, and never for ever.
SHORTEST_WAIT: Final = timedelta(milliseconds=100)
LONGEST_WAIT: Final = timedelta(hours=24)


class RateLimited(Transient):
    """Too fast: wait ``retry_after``, a day at the most; this uses up no attempt.

    ``whole_channel`` says that everything on the channel must wait, not only this conversation;
    ``bulk_only`` that campaigns must, while replies go on: one that met it is tried again soon.
    """

    code = "rate_limited"

    def __init__(
        self,
        detail: str = "",
        *,
        retry_after: timedelta,
        whole_channel: bool = False,
        bulk_only: bool = False,
        code: str | None = None,
        provider_code: str | None = None,
    ) -> None:
        super().__init__(detail, code=code, provider_code=provider_code)
        self.retry_after = max(SHORTEST_WAIT, min(retry_after, LONGEST_WAIT))
        self.whole_channel = whole_channel
        self.bulk_only = bulk_only


class Permanent(SendError):
    """Never try again."""

    code = "rejected"


class AuthFailed(Permanent):
    """The credentials no longer work: the channel turns to Error and its messages wait."""

    code = "auth_failed"
    retryable = True


class RecipientGone(Permanent):
    """The address cannot be reached any more; it is marked.

    ``opted_out`` when the person asked not to be written to.
    """

    code = "recipient_gone"

    def __init__(
        self,
        detail: str = "",
        *,
        opted_out: bool = False,
        code: str | None = None,
        provider_code: str | None = None,
    ) -> None:
        super().__init__(detail, code=code, provider_code=provider_code)
        self.opted_out = opted_out


class MarketingRefused(Permanent):
    """The person wants no marketing any more; the address is marked, and all else may be sent."""

    code = "marketing_opt_out"


class WindowClosed(Permanent):
    """The provider allows only templates now."""

    code = "window_closed"


class TemplateRefused(Permanent):
    """The provider knows the template otherwise than we do: the hub soon reads them all anew."""

    code = "bad_template"


class Unsupported(Permanent):
    """This channel cannot say this at all.

    What came in, and nobody understands, is no error but content: `UnsupportedContent`.
    """

    code = "unsupported"


class OutcomeUnknown(SendError):
    """It may have arrived: proof is sought before anything is repeated."""

    code = "outcome_unknown"
