"""Give authors the classes to derive from: a channel type, a route type, a source."""

import builtins
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from types import MappingProxyType
from typing import (
    Any,
    ClassVar,
    Final,
    Generic,
    Literal,
    Protocol,
    Self,
    TypeAlias,
    TypeVar,
    runtime_checkable,
)

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from hubbub.sdk.capabilities import Capabilities
from hubbub.sdk.fit import fit
from hubbub.sdk.routing import Inquiry, Outcome, Subject
from hubbub.sdk.sms import whole
from hubbub.sdk.templates import MessageTemplate
from hubbub.sdk.values import (
    Accepted,
    Call,
    Checked,
    Connection,
    Draft,
    Event,
    Exchange,
    FetchedMedia,
    Part,
    Polled,
    Verdict,
)

#: The version of this SDK: the first number changes when a plugin may have to.
API_VERSION = (1, 0)


class Wire(BaseModel):
    """A base for models of what others wrote: names only what we use, ignores the rest."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    @classmethod
    def from_body(cls, body: bytes | str) -> Self:
        """Return the JSON in ``body`` as this model. Raises `pydantic.ValidationError`.

        What people wrote may end in half a character, since others cut it: that half is replaced,
        and costs nothing that stands beside it.
        """
        try:
            return cls.model_validate_json(body)
        except ValidationError as error:
            mended = _mended(body)
            if mended is None or error.errors()[0]["type"] not in _NO_JSON:
                raise
            return cls.model_validate_json(mended)


#: What pydantic says of a body that is no JSON in UTF-8, or with half a character in it.
_NO_JSON: Final = frozenset({"json_invalid", "string_unicode"})


def _mended(body: bytes | str) -> str | None:
    """Return JSON with the halves of characters in it replaced; None if it is no JSON."""
    try:
        text = body if isinstance(body, str) else body.decode(errors="replace")
        written = json.dumps(json.loads(text), ensure_ascii=False)
    except (ValueError, RecursionError):
        return None
    return whole(written)


class Fields(BaseModel):
    """A base for ``credentials``, ``settings`` and ``fields`` models.

    Unknown names are refused, blanks around pasted values are dropped, and no secret is in the
    repr of a field declared as ``SecretStr``. In ``json_schema_extra`` a field may say more for the
    console: ``"section": "Hours"`` puts one behind a fold under that heading, and ``"advanced":
    True`` one for the few under the last heading, unless it is required; ``"first": True`` one at
    the top, above the credentials; ``"format": "team"``, ``"channel"``, or ``"channel.email"`` (of
    that group) lets people choose one of those there are; ``"labels"`` gives the words of a choice
    names, by ``""`` also that of none, and ``"key"`` what the names in a ``dict`` of models are
    called; ``"link"`` is the https address at which the provider shows the value; ``"looks_like"``
    is a regular expression that a whole value matches: with it the hub finds the value in what was
    pasted, and tells who put it into the field of another.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, str_strip_whitespace=True, hide_input_in_errors=True
    )


def wrong_fields(problems: Mapping[tuple[str, ...], str]) -> ValidationError:
    """Return what a validator of a whole form raises, to say at which fields it is wrong.

    ``problems`` has a sentence for each place, such as ``("credentials", "token")``, counted from
    the model whose validator it is.
    """

    def line(place: tuple[str, ...], why: str) -> InitErrorDetails:
        kind = PydanticCustomError("unusable", "{why}", {"why": why})
        return InitErrorDetails(type=kind, loc=place, input=None)

    lines = [line(place, why) for place, why in problems.items()]
    return ValidationError.from_exception_data("Fields", lines, hide_input=True)


class ChannelSettings(Fields):
    """A base for the ``settings`` of a channel type: what the hub itself understands."""

    api_base: str = Field(
        default="",
        title="API base URL",
        description="A proxy, or a simulator.",
        json_schema_extra={"advanced": True},
    )
    messages_per_second: float | None = Field(
        default=None,
        gt=0,
        le=1_000_000,
        allow_inf_nan=False,
        title="Messages per second",
        description="Replaces the type's own limits, for accounts with other ones.",
        json_schema_extra={"advanced": True},
    )
    unknown_outcome: Literal["hold", "resend"] = Field(
        default="hold",
        title="When a send's answer was lost and no proof turns up",
        description="hold: a person decides. resend: send again and accept a possible double.",
        json_schema_extra={"advanced": True},
    )


class SeenSettings(ChannelSettings):
    """A base for the settings of channel types that show contacts what people here do."""

    read_receipts: bool = Field(
        default=True,
        title="Show contacts that somebody reads and writes",
        description="As soon as somebody opens their conversation in the console.",
        json_schema_extra={"advanced": True},
    )


F = TypeVar("F", bound=BaseModel)

#: Where a type stands among those that people choose from.
Group: TypeAlias = Literal["messaging", "sms", "web", "email", "other"]
#: What of a channel a finding is about.
Component: TypeAlias = Literal["auth", "webhook", "inbound", "outbound"]


@dataclass(frozen=True, kw_only=True)
class SetupStep:
    """One thing that a person does at the provider."""

    title: str
    text: str
    #: May hold facts of the channel, such as ``https://t.me/{username}``: then it is shown once
    #: they are known.
    link: str | None = None
    #: When: before the form, while the webhook is set up, or with the first message.
    at: Literal["start", "webhook", "test"] = "start"


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """What reading one call may take at the most."""

    #: Of the processor.
    seconds: float
    #: Bytes of addresses, the interpreter's own included.
    memory: int


class ChannelType(Generic[F]):
    """A provider's protocol: stateless and pure. Derive from it and override what applies.

    No method does I/O. Those that talk to the provider are generators: they yield
    `HttpRequest`, receive `HttpResponse`, and return their result or raise a `SendError`.
    """

    #: The stable name, ``[a-z0-9_]+``.
    type: ClassVar[str]
    label: ClassVar[str]
    #: One line for the dialog in which people choose.
    description: ClassVar[str] = ""
    #: Where the provider has retired it: that it has, and what to use instead; else empty.
    legacy: ClassVar[str] = ""
    #: An SVG document, at most 8 kB, drawn on a 24 x 24 field.
    icon: ClassVar[str] = ""
    #: A model with the two fields ``credentials`` and ``settings``.
    fields: ClassVar["builtins.type[BaseModel]"]
    capabilities: ClassVar[Capabilities]
    group: ClassVar[Group] = "other"
    #: What one has to have before one begins, in a few words each.
    needs: ClassVar[tuple[str, ...]] = ()
    #: How many minutes it takes to connect a channel; None: that is not known.
    minutes: ClassVar[int | None] = None
    setup_steps: ClassVar[tuple[SetupStep, ...]] = ()
    #: What `setup` changes at the provider, a sentence each: people are told before it does.
    changes: ClassVar[tuple[str, ...]] = ()
    #: What findings of a code are about, where that is not whether we are let in.
    components: ClassVar[Mapping[str, Component]] = MappingProxyType({})
    #: Set where strangers write freely what `parse` reads, and could make it exhaust us: then the
    #: hub runs it in a process of its own, and a call that exceeds the bounds is `Unreadable`.
    bounds: ClassVar[Bounds | None] = None

    def account(self, connection: Connection[F]) -> str | None:
        """Return what no second channel may share (a bot's id), or None."""
        del connection
        return None

    def family(self, connection: Connection[F]) -> str | None:
        """Return what channels share whose provider calls all of them at one address, or None.

        Such as an app's secret, hashed: a call that is authentic for one of them is so for all.
        What a call says to another of them is told by `ForAccount`.
        """
        del connection
        return None

    def address(self, text: str, connection: Connection[F]) -> str:
        """Return how the channel writes the address ``text`` that a person or program gave.

        One contact has one address, however it was typed. Raises `BadAddress`.
        """
        del connection
        return text

    def sender(self, connection: Connection[F]) -> str | None:
        """Return the address from which we write, where that is known before a contact wrote."""
        del connection
        return None

    def owns(self, address: str, connection: Connection[F]) -> bool:
        """Return whether ``address`` is one of ours, which is offered no answer to many."""
        return address == self.sender(connection)

    def window(self, connection: Connection[F], by_person: bool) -> timedelta | None:  # noqa: FBT001  # a hook is given its arguments in order
        """Return how long after a contact's last message free-form ones may follow; None: always.

        Some providers give people more time than programs.
        """
        del connection, by_person
        return self.capabilities.window

    def verify(self, call: Call, connection: Connection[F]) -> Verdict:
        """Say whether the provider made ``call``."""
        raise NotImplementedError

    def parse(self, call: Call, connection: Connection[F]) -> Iterable[Event]:
        """Yield what ``call`` says. One bad item yields `Unreadable`, never an exception."""
        raise NotImplementedError

    def render(self, draft: Draft, part: Part, connection: Connection[F]) -> tuple[Part, ...]:
        """Return the parts that carry ``draft``; ``part`` is the pattern of each.

        Raises `Unsupported` when the channel cannot say this at all.
        """
        del connection
        contents = fit(draft.content, self.capabilities)
        quoted = draft.reply_to_external_id
        return tuple(
            replace(part, content=content, reply_to_external_id=None if index else quoted)
            for index, content in enumerate(contents)
        )

    def send(self, part: Part, connection: Connection[F]) -> Exchange[Accepted]:
        """Send one part; return the provider's id for it."""
        raise NotImplementedError

    def find(self, part: Part, connection: Connection[F]) -> Exchange[Accepted | None]:
        """Ask whether the provider has ``part``, whose answer was lost.

        Only called when ``capabilities.finds``. Return None for a proven no; raise
        `OutcomeUnknown` when the provider cannot tell.
        """
        raise NotImplementedError

    def check(self, connection: Connection[F]) -> Exchange[Checked]:
        """Ask the provider whether everything is well; change nothing there."""
        raise NotImplementedError

    def setup(self, connection: Connection[F]) -> Exchange[Checked]:
        """Register our webhook at the provider; called on creation, change and on request."""
        raise NotImplementedError

    def teardown(self, connection: Connection[F]) -> Exchange[None]:
        """Undo `setup` before the channel is deleted."""
        raise NotImplementedError

    def templates(self, connection: Connection[F]) -> Exchange[tuple[MessageTemplate, ...]]:
        """Return every template that the channel has at the provider, whatever its status.

        Only called when ``capabilities.templates``. A list that is not whole must be an error: what
        is missing from it is gone.
        """
        raise NotImplementedError

    def fetch_media(self, ref: str, connection: Connection[F]) -> Exchange[FetchedMedia]:
        """Fetch the file that an event's `Media.ref` names."""
        raise NotImplementedError

    def read_media(self, ref: str, call: Call, connection: Connection[F]) -> FetchedMedia:
        """Return the file that an event's `Media.ref` names, where calls bring files with them.

        Instead of `fetch_media`; ``call`` brought the event. Pure, and bounded as `parse` is.
        Raises `Permanent` where the file is not in it.
        """
        raise NotImplementedError

    def profile(self, address: str, connection: Connection[F]) -> Exchange[str | None]:
        """Ask what a contact is called, where messages do not say; None: the provider is silent.

        Called after somebody without a name wrote; best effort.
        """
        raise NotImplementedError

    def acknowledge(self, call: Call, connection: Connection[F]) -> Exchange[None]:
        """Tell the provider that ``call`` was processed, where it wants to hear so soon.

        (Telegram's buttons spin until ``answerCallbackQuery``.) Only called when ``wants_ack``
        says so; best effort.
        """
        raise NotImplementedError

    def wants_ack(self, call: Call) -> bool:
        """Say whether `acknowledge` should be called for ``call``; pure and fast."""
        del call
        return False

    def mark_read(
        self, address: str, external_id: str, connection: Connection[F]
    ) -> Exchange[None]:
        """Tell the contact that somebody read their message ``external_id``, and all before it.

        Best effort, like `typing`. Settings that derive from `SeenSettings` may switch both off.
        """
        raise NotImplementedError

    def typing(self, address: str, external_id: str, connection: Connection[F]) -> Exchange[None]:
        """Show the contact, whose last message is ``external_id``, that somebody is writing."""
        raise NotImplementedError


class RouteType:
    """A kind of destination: where messages can go."""

    #: The stable name, used as ``to.type``.
    type: ClassVar[str]
    label: ClassVar[str]
    description: ClassVar[str] = ""
    #: What stands beside ``type`` in ``to``; validated on save.
    fields: ClassVar["builtins.type[BaseModel]"] = Fields
    #: Whether it answers by itself, as a bot, and so owns the conversation meanwhile.
    automatic: ClassVar[bool] = False

    def handle(self, inquiry: Inquiry, settings: Any) -> Exchange[Outcome]:
        """Decide what to do with a message. ``settings`` is an instance of ``fields``.

        One that yields no request is carried out together with the message's storing.
        """
        raise NotImplementedError

    def resume(self, inquiry: Inquiry, settings: Any, answer: object) -> Outcome:
        """Turn the JSON that arrived at the callback into what to do.

        Raises `MalformedPayload` with what is wrong with it.
        """
        raise NotImplementedError

    def describe(self, settings: Any) -> str:
        """Return how it reads behind "then to", such as "Team inbox, team sales"; no secret."""
        del settings
        return self.label

    def doubt(self, settings: Any) -> str:
        """Return what somebody who saves these may have forgotten, as a sentence; or nothing."""
        del settings
        return ""


class ConditionType:
    """A kind of condition for routes: ``{"plugin": {"<type>": {...}}}`` in a rule's ``when``.

    Pure: the same message and settings always give the same answer, since the hub reasons about
    rules on the strength of that.
    """

    #: The stable name, ``[a-z0-9_]+``.
    type: ClassVar[str]
    label: ClassVar[str]
    description: ClassVar[str] = ""
    #: What stands beside ``type``; validated on save.
    fields: ClassVar["builtins.type[BaseModel]"] = Fields

    def holds(self, subject: Subject, settings: Any) -> bool:
        """Say whether it holds for a message. ``settings`` is an instance of ``fields``.

        An exception is logged, and the rule does not match.
        """
        raise NotImplementedError

    def describe(self, settings: Any) -> str:
        """Return how it reads in the explanation of a decision, such as "language is de"."""
        del settings
        return self.label


@dataclass(frozen=True, kw_only=True)
class Pages:
    """Pages of a plugin's own, and who may see them."""

    #: A `flask.Blueprint`; its rules are served under ``/plugins/<name>/``.
    blueprint: Any
    #: ``people``: who is logged in to the console. ``everybody``: no login is asked for.
    open_to: Literal["people", "admins", "everybody"] = "people"


@runtime_checkable
class Source(Protocol):
    """A long-lived receiver for channels of one type: the listener calls it round by round."""

    #: The channel type it serves.
    type: str

    def wanted(self, connection: Connection[Any]) -> bool:
        """Say whether this channel is received in this way."""

    def cycle(self, connection: Connection[Any], cursor: str) -> Exchange[Polled]:
        """Do one round, starting at ``cursor`` (empty at first)."""
