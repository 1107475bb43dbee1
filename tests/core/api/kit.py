"""Build a hub whose provider, clock and nudges are the test's own."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from pydantic import Field, SecretStr

from hubbub.hub import Hub
from hubbub.limiter import Limiter
from hubbub.live import Live
from hubbub.loading import load
from hubbub.media import MediaStore
from hubbub.sdk import (
    Accepted,
    AuthFailed,
    BadAddress,
    Capabilities,
    ChannelSettings,
    ChannelType,
    Checked,
    Connection,
    Fields,
    Finding,
    Headers,
    HttpRequest,
    HttpResponse,
    MediaRule,
    MessageTemplate,
    Outcome,
    RouteType,
    SetupStep,
    TemplateParameter,
    TemplateStatus,
    Transient,
    hookimpl,
)
from hubbub.store.session import make_engine
from hubbub.transport import NotSent
from hubbub.vault import Vault

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TOKEN = "4711:a-very-secret-token"


class Clock:
    """Stands still until it is told otherwise."""

    def __init__(self):
        self.time = START

    def __call__(self):
        return self.time

    def advance(self, **by):
        self.time += timedelta(**by)


@dataclass
class Provider:
    """Answers what plugins request, as the test wants it."""

    status: int = 200
    body: dict[str, Any] = field(default_factory=lambda: {"id": "4711"})
    error: Exception | None = None
    requests: list[HttpRequest] = field(default_factory=list)
    before: Callable[[HttpRequest], None] | None = None

    def perform(self, request, *, files):
        del files  # these plugins send none
        self.requests.append(request)
        if self.before is not None:
            self.before(request)
        if self.error is not None:
            raise self.error
        return HttpResponse(
            status=self.status, headers=Headers({}), body=json.dumps(self.body).encode()
        )

    def be_away(self):
        self.error = NotSent("The provider cannot be reached: connection refused.")


class Nudges:
    """Remembers what was nudged."""

    def __init__(self):
        self.lanes = []

    def nudge(self, actor, *args, lane, **more):
        del actor, args, more
        self.lanes.append(lane)
        return True

    def taken(self, lane):
        pass


class FakeCredentials(Fields):
    token: SecretStr = Field(title="Bot token")
    second: SecretStr | None = Field(None, title="Second secret")


class FakeSettings(ChannelSettings):
    api_base: str = "https://provider.example"
    mode: str = "webhook"


class FakeFields(Fields):
    credentials: FakeCredentials
    settings: FakeSettings = Field(default_factory=lambda: FakeSettings.model_validate({}))


class FakeChannel(ChannelType[FakeFields]):
    """A provider with every convenience."""

    type = "fake"
    label = "Fake"
    description = "Only in tests."
    icon = "<svg xmlns='http://www.w3.org/2000/svg'/>"
    fields = FakeFields
    capabilities = Capabilities(
        inbound=frozenset({"text"}),
        outbound=frozenset({"text", "image", "document", "choices", "location", "reaction"}),
        text_limit=4096,
        caption_limit=1024,
        media={"image": MediaRule(max_size=1 << 20)},
        options=10,
        receipts=frozenset({"delivered"}),
        replies=True,
        verify_token=True,
    )
    setup_steps = (SetupStep(title="Ask for a token", text="At the provider."),)

    def account(self, connection: Connection[FakeFields]):
        return connection.fields.credentials.token.get_secret_value().partition(":")[0]

    def address(self, text, connection):
        if text.startswith("!"):
            raise BadAddress("An address begins with a letter.")
        return text.lower()

    def sender(self, connection):
        return "@support"

    def setup(self, connection):
        return (yield from _ask(connection, "setup"))

    def check(self, connection):
        return (yield from _ask(connection, "check"))

    def teardown(self, connection):
        yield from _ask(connection, "teardown")

    def send(self, part, connection):
        del part
        yield from _ask(connection, "send")
        return Accepted(external_id="sent")


class WindowedChannel(FakeChannel):
    """A provider that allows free-form messages for a day."""

    type = "windowed"
    label = "Windowed"
    icon = ""
    capabilities = Capabilities(
        inbound=frozenset({"text"}),
        outbound=frozenset({"text", "template"}),
        text_limit=1000,
        window=timedelta(hours=24),
        templates=True,
    )

    def account(self, connection):
        del connection

    def templates(self, connection):
        base = connection.fields.settings.api_base
        response = yield HttpRequest(method="GET", url=f"{base}/templates", safe=True)
        if response.status >= 500:
            raise Transient("The provider is ill.")
        return tuple(_template(**one) for one in response.json()["templates"])


class QuietChannel(FakeChannel):
    """A provider that cannot be asked anything."""

    type = "quiet"
    label = "Quiet"
    capabilities = replace(WindowedChannel.capabilities, templates=False)
    account = ChannelType.account
    setup = ChannelType.setup
    check = ChannelType.check
    teardown = ChannelType.teardown


class Inbox(RouteType):
    type = "inbox"
    label = "Inbox"

    def handle(self, inquiry, settings):
        del inquiry, settings
        yield from ()
        return Outcome()


class BotFields(Fields):
    url: str
    secret: SecretStr | None = None


class Bot(RouteType):
    type = "bot"
    label = "Bot"
    fields = BotFields
    automatic = True

    def handle(self, inquiry, settings):
        del inquiry, settings
        yield from ()
        return Outcome()


class FakePlugin:
    """Registers all of the above."""

    @hookimpl
    def register_channel_types(self):
        return [FakeChannel(), WindowedChannel(), QuietChannel()]

    @hookimpl
    def register_route_types(self):
        return [Inbox(), Bot()]


def build_hub(settings, url, fake_redis):
    """Return a hub on the database ``url``; its parts can be reached as its attributes."""
    plugins_file = settings.data_dir / "plugins.toml"
    plugins_file.parent.mkdir(parents=True, exist_ok=True)
    plugins_file.write_text("[plugins.fake]\n")
    point: Any = SimpleNamespace(name="fake", dist=None, load=FakePlugin)
    nudges: Any = Nudges()
    return Hub(
        settings=settings,
        engine=make_engine(url),
        plugins=load(plugins_file, [point]),
        vault=Vault(settings.keys),
        http=Provider(),
        media=MediaStore("memory://"),
        nudges=nudges,
        limiter=Limiter(fake_redis),
        live=Live(fake_redis),
        redis=fake_redis,
        now=Clock(),
    )


def _template(name, language="en", status="approved", wants=None, **more):
    parameters = None if wants is None else tuple(TemplateParameter(name=one) for one in wants)
    return MessageTemplate(
        name=name, language=language, status=TemplateStatus(status), parameters=parameters, **more
    )


def _ask(connection, verb):
    base = connection.fields.settings.api_base
    response = yield HttpRequest(method="POST", url=f"{base}/{verb}")
    if response.status == 401:
        raise AuthFailed("The provider refuses the token.")
    if response.status >= 500:
        raise Transient("The provider is ill.")
    body = response.json()
    wrong = body.get("wrong")
    finding = Finding(code="webhook", ok=not wrong, detail=wrong or "All is well.", fix="")
    return Checked(findings=(finding,), facts={"id": body.get("id", "")})
