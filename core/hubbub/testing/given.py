"""Ask an author for the few things that the checks need, and build from them what they use."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar, TypeVar

import pytest

from hubbub.exchange import Ran
from hubbub.redact import secrets_of
from hubbub.sdk import (
    AuthFailed,
    Call,
    ChannelType,
    Connection,
    Content,
    Event,
    Exchange,
    Headers,
    HttpResponse,
    Part,
    Permanent,
    RateLimited,
    SendError,
    Transient,
)
from hubbub.testing.exchanges import Scripted, carried
from hubbub.testing.recorded import Recorded, Refused
from hubbub.testing.samples import SAMPLES, offers

T = TypeVar("T")
WEBHOOK = "https://hub.example.com/webhooks/abcdefghijklmnopqrst"
#: Our own name for the part that is sent.
REFERENCE = "0123456789abcdefghjkmnpqrs"
#: Where the provider seems to be, once ``settings.api_base`` says so.
STAND_IN = "https://stand-in.example"


class Given:
    """What an author says about a channel type and its provider."""

    #: The class under test.
    channel_type: ClassVar[type[ChannelType[Any]]]
    #: Made-up ones of the right form, long enough that no other text could hold them.
    credentials: ClassVar[Mapping[str, Any]]
    #: Those of somebody else's channel: every secret is another.
    other_credentials: ClassVar[Mapping[str, Any]]
    settings: ClassVar[Mapping[str, Any]] = {}
    #: What `ChannelType.setup` learnt.
    facts: ClassVar[Mapping[str, str]] = {}
    tokens: ClassVar[Mapping[str, str]] = {}
    webhook_url: ClassVar[str] = WEBHOOK
    #: When the recorded calls came: the time that a signature names, if it names one.
    received_at: ClassVar[datetime] = datetime(2026, 1, 1, 12, tzinfo=UTC)

    #: An address that can be written to, as the channel itself writes it, and what is none.
    address: ClassVar[str]
    bad_addresses: ClassVar[tuple[str, ...]] = ()

    #: By name; at least one for each type and receipt that the capabilities promise, and one with
    #: its ``words`` for texts, and for captions where there are any.
    inbound: ClassVar[Mapping[str, Recorded]]
    #: A kind that the plugin has never heard of, in the provider's envelope.
    unknown: ClassVar[Recorded]
    #: Several things in one call, and the same with one that is spoilt in the middle.
    batch: ClassVar[Recorded | None] = None
    broken_batch: ClassVar[Recorded | None] = None
    #: The call by which the provider makes sure that the webhook is ours (its ``says`` is empty),
    #: and what it wants to read in the answer.
    handshake: ClassVar[Recorded | None] = None
    handshake_answer: ClassVar[bytes] = b""
    #: False where the proof is a mere word, which covers nothing of the call.
    signs_body: ClassVar[bool] = True
    #: False where there is none but the webhook's address, which nobody else knows.
    proves: ClassVar[bool] = True
    #: False where senders may use one id for several messages, so that an id proves nothing.
    one_id_one_message: ClassVar[bool] = True

    #: False where the hub itself is the provider, so that nobody is asked and nobody answers.
    asks: ClassVar[bool] = True
    #: The answers when a text is taken, and the id they give it: of the form that replies quote.
    accepted: ClassVar[tuple[HttpResponse, ...]]
    external_id: ClassVar[str]
    #: Where other content types are answered in another way.
    accepted_as: ClassVar[Mapping[str, tuple[HttpResponse, ...]]] = {}
    refusals: ClassVar[Mapping[str, Refused]]
    #: Error classes of which there has to be a refusal.
    expected_errors: ClassVar[frozenset[type[SendError]]] = frozenset(
        {AuthFailed, Permanent, RateLimited, Transient}
    )

    #: True where the provider takes a send that comes again for the same, by a key of ours.
    idempotent: ClassVar[bool] = False
    #: Headers of requests that are others each time, such as a token that holds but once.
    passing_headers: ClassVar[frozenset[str]] = frozenset()

    #: Answers to ``check`` when all is well, to ``setup``, and to the other exchanges.
    healthy: ClassVar[tuple[HttpResponse, ...]] = ()
    registered: ClassVar[tuple[HttpResponse, ...]] = ()
    removed: ClassVar[tuple[HttpResponse, ...]] = ()
    listed: ClassVar[tuple[HttpResponse, ...]] = ()
    fetched: ClassVar[tuple[HttpResponse, ...]] = ()
    found: ClassVar[tuple[HttpResponse, ...]] = ()
    not_found: ClassVar[tuple[HttpResponse, ...]] = ()
    acknowledged: ClassVar[tuple[HttpResponse, ...]] = ()
    seen: ClassVar[tuple[HttpResponse, ...]] = ()
    typed: ClassVar[tuple[HttpResponse, ...]] = ()

    def sign(self, call: Call, connection: Connection[Any]) -> Call:
        """Return ``call`` with the proof that the provider would add for ``connection``, if any."""
        raise NotImplementedError

    def simulator(self) -> AbstractContextManager[Connection[Any]]:
        """Return a connection whose provider is simulated on this machine."""
        raise NotImplementedError

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Run a check once for each case of what it asks for by name."""
        for name, cases in self.cases().items():
            if name in metafunc.fixturenames:
                metafunc.parametrize(name, list(cases.values()), ids=list(cases))

    def cases(self) -> Mapping[str, Mapping[str, Any]]:
        """Return, by the name of a check's argument, what it is run with."""
        single = {**self.inbound, "unknown": self.unknown}
        batches = {"batch": self.batch, "broken_batch": self.broken_batch}
        carries = sorted(self.kind.capabilities.outbound)
        return {
            "recorded": single | {name: one for name, one in batches.items() if one},
            "refused": self.refusals,
            "content": {content.type: content for content in SAMPLES},
            "carried_content": {name: self.sample(name) for name in carries},
            "offered": offers(self.kind.capabilities.options),
        }

    # --- what the checks use ---------------------------------------------------------------

    @property
    def kind(self) -> ChannelType[Any]:
        """A fresh instance of the channel type."""
        return self.channel_type()

    def connection(self, **settings: Any) -> Connection[Any]:
        """Return the example channel, with these settings beside its own."""
        return self._connection(self.credentials, "s" * 48, settings)

    def other_connection(self) -> Connection[Any]:
        """Return somebody else's channel at the same address."""
        return self._connection(self.other_credentials, "o" * 48, {})

    def secrets(self, connection: Connection[Any]) -> set[str]:
        """Return what nobody may see of ``connection``."""
        made = {connection.webhook_secret, connection.verify_token or ""}
        made.update(connection.tokens.values())
        return {secret for secret in secrets_of(connection.fields) | made if secret}

    def unsigned(self, recorded: Recorded) -> Call:
        """Return ``recorded`` as a call that proves nothing."""
        return Call(
            method=recorded.method,
            url=f"{self.webhook_url}?{recorded.query}" if recorded.query else self.webhook_url,
            headers=Headers(recorded.headers),
            body=recorded.body,
            received_at=self.received_at,
        )

    def call(self, recorded: Recorded) -> Call:
        """Return ``recorded`` as a signed call."""
        return self.sign(self.unsigned(recorded), self.connection())

    def events(self, call: Call) -> list[Event]:
        """Return what a fresh channel type reads in ``call``."""
        return list(self.kind.parse(call, self.connection()))

    def recordings(self) -> list[Recorded]:
        """Return all recorded calls."""
        return list(self.cases()["recorded"].values())

    def sample(self, content_type: str) -> Content:
        """Return content of ``content_type``; override it where the provider is particular."""
        return next(content for content in SAMPLES if content.type == content_type)

    def part(self, content: Content | None = None, **more: Any) -> Part:
        """Return a part to the example address, a text unless ``content`` says otherwise."""
        part = Part(
            content=content or self.sample("text"),
            address=self.address,
            reference=REFERENCE,
            created_at=self.received_at,
        )
        return replace(part, **more)

    def told(self, name: str) -> tuple[HttpResponse, ...]:
        """Return the answers that the suite calls ``name``; fail where it does not tell them."""
        answers: tuple[HttpResponse, ...] = getattr(self, name)
        assert answers, f"Say in your test what the provider answers ({name})."
        return answers

    def answers_to(self, content_type: str) -> tuple[HttpResponse, ...]:
        """Return how the provider takes content of ``content_type``."""
        return self.accepted_as.get(content_type, self.accepted)

    def send(
        self, *answers: HttpResponse | SendError, part: Part | None = None
    ) -> tuple[Ran[Any], Scripted]:
        """Send ``part``, a text unless said otherwise; return how it went and what was asked."""
        return self.ran(self.kind.send(part or self.part(), self.connection()), answers)

    def ran(
        self, exchange: Exchange[T], answers: tuple[HttpResponse | SendError, ...]
    ) -> tuple[Ran[T], Scripted]:
        """Carry out ``exchange`` with ``answers``."""
        transport = Scripted(answers)
        return carried(exchange, transport, self.secrets(self.connection())), transport

    def _connection(
        self, credentials: Mapping[str, Any], secret: str, settings: Mapping[str, Any]
    ) -> Connection[Any]:
        form = {"credentials": dict(credentials), "settings": {**self.settings, **settings}}
        wants_token = self.channel_type.capabilities.verify_token
        return Connection(
            channel_id="c1",
            name="Shop",
            fields=self.channel_type.fields.model_validate(form),
            webhook_url=self.webhook_url,
            webhook_secret=secret,
            verify_token=secret[::-1] + "-verify" if wants_token else None,
            facts=self.facts,
            tokens=self.tokens,
        )
