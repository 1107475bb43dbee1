"""Put into a fresh hub what a demo needs: somebody to log in as, and channels to try."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import structlog

from hubbub.connect import queries as channel_queries
from hubbub.connect.drafts import drafts, save_draft
from hubbub.connect.routes import WantedRoutes, save_routes
from hubbub.connect.rules import webhook_url, widget_url
from hubbub.connect.simulator import known_there, tell_sandbox
from hubbub.connect.work import ChannelChange, change_channel, create_channel, find_channel
from hubbub.hub import Hub
from hubbub.people.errors import Conflict
from hubbub.people.users import add_user
from hubbub.settings import Settings
from hubbub.store.session import reading
from hubbub.store.types import AnyRow

#: Good for nothing but this: the demo listens on this machine alone.
EMAIL: Final = "demo@hubbub.test"
PASSWORD: Final = "hubbub demo"  # noqa: S105  # printed for everyone who runs the demo
_BOT: Final = "700000001:DEMO-token-for-the-sandbox-bot-0001"
_ACCOUNT: Final = "AC" + "0" * 31 + "1"
_NUMBER: Final = "+15550100"
_GATEWAY: Final = {
    "username": "demo",
    "password": "0" * 31 + "2",
    "inbound_token": "0" * 31 + "3",
}
_SHORT_CODE: Final = "12345"
_VONAGE: Final = {
    "api_key": "abcd1234",
    "api_secret": "0" * 15 + "4",
    "application_id": "00000000-0000-4000-8000-000000000005",
    "signature_secret": "0" * 31 + "6",
}
_VONAGE_NUMBER: Final = "12025550105"
_WHATSAPP: Final = {
    "phone_number_id": "100000000000007",
    "business_account_id": "900000000000007",
    "app_id": "7000000007",
}
_META: Final = {"access_token": "EAA" + "0" * 29 + "8", "app_secret": "0" * 31 + "9"}
_MESSENGER: Final = {"page_id": "300000000000010", "app_id": "7000000010"}
_PAGE: Final = {"page_access_token": "EAA" + "0" * 28 + "11", "app_secret": "0" * 30 + "12"}
_CLIENT: Final = {"username": "demo", "password": "0" * 30 + "10"}
_NAMESPACE: Final = "sandbox_namespace"
#: How the demo's gateway calls the hub, in Kannel's own escapes.
_INBOUND: Final = "id=%I&from=%q&to=%Q&text=%b&ts=%T&coding=%c&charset=%C&smsc=%i"
_CENTRE: Final = {"system_id": "demo", "password": "0" * 6 + "13"}
_CENTRE_NUMBER: Final = "+15550113"
_MAILBOX: Final = {"address": "support@example.com", "password": "0" * 6 + "14"}
#: Where a channel of an earlier start found its provider; a message centre has a port of its own.
_CENTRE_ADDRESS: Final = re.compile(r"smpp://127\.0\.0\.1:\d+")
_SANDBOX: Final = re.compile(
    r"http://127\.0\.0\.1:\d+/(telegram|twilio|gateway|vonage|whatsapp|messenger|onprem)"
)
_PRACTICE: Final = re.compile(r"practice\d{4}@example\.com")
_ROUTES: Final = [
    {
        "name": "Menu",
        "when": {"text": {"word": ["menu", "hours"]}},
        "to": {
            "type": "keyword",
            "answers": [
                {
                    "match": "menu",
                    "choices": {
                        "text": "What can we do for you?",
                        "options": [
                            {"id": "hours", "title": "Opening hours"},
                            {"id": "human", "title": "Talk to a person"},
                        ],
                    },
                },
                {"match": "hours", "reply": "We are here from 9 to 17, Monday to Friday."},
            ],
        },
    }
]
log = structlog.get_logger(__name__)


def seed(settings: Settings, sandbox_url: str) -> str:
    """Make the demo's login and channels where they are missing; return how to log in.

    Safe to run twice.
    """
    hub = Hub.make(settings)
    try:
        add_user(hub, email=EMAIL, password=PASSWORD, role="admin", name="Demo", actor="cli")
    except Conflict:
        log.debug("the demo's login is there already")
    with reading(hub.engine) as db:
        rows = channel_queries.channels(db, before=None, limit=200)
    for row in rows:
        _point(hub, row, sandbox_url)
    _point_drafts(hub, sandbox_url)
    types = {row.type for row in rows}
    for kind, add in _CHANNELS.items():
        if kind in hub.plugins.channels and kind not in types:
            add(hub, sandbox_url)
    _open_shop(hub, sandbox_url)
    return f"  Log in as {EMAIL} with the password {PASSWORD!r}."


def _point(hub: Hub, row: AnyRow, sandbox_url: str) -> None:
    """Tell this start's sandbox, which remembers nothing, of a channel that an earlier one had."""
    if _is_mailbox(row):
        change = ChannelChange(settings=_open_mailbox(hub, sandbox_url))
        change_channel(hub, row.id, change, actor="cli")
        return
    before = str(row.settings.get("api_base", ""))
    if _CENTRE_ADDRESS.fullmatch(before):
        change = ChannelChange(settings={"api_base": _open_account(hub, sandbox_url)})
        change_channel(hub, row.id, change, actor="cli")
        return
    if _is_practice(row):
        change = ChannelChange(settings=_known_again(hub, row, sandbox_url))
        change_channel(hub, row.id, change, actor="cli")
        return
    place = _SANDBOX.fullmatch(before)
    if place is None:
        return  # somebody's own channel, at a provider
    if make := _DASHBOARDS.get(place[1]):
        _known_again(hub, row, sandbox_url)  # one that somebody added, or else told otherwise next
        make(hub, sandbox_url)
    change = ChannelChange(settings={"api_base": f"{sandbox_url}/{place[1]}"})
    change_channel(hub, row.id, change, actor="cli")
    if place[1] == "gateway":
        _configure_gateway(hub, row.id, sandbox_url)


def _point_drafts(hub: Hub, sandbox_url: str) -> None:
    """Let who was about to connect a channel to the simulator go on."""
    for draft in drafts(hub):
        if draft.simulated:
            save_draft(hub, draft, known_there(hub, sandbox_url, draft.type, draft.typed))


def _is_mailbox(row: AnyRow) -> bool:
    """Whether it is the mailbox of an earlier start; mail servers have ports of their own."""
    here = (row.settings.get("from_address"), row.settings.get("smtp_host"))
    return here == (_MAILBOX["address"], "127.0.0.1")


def _known_again(hub: Hub, row: AnyRow, sandbox_url: str) -> Mapping[str, Any]:
    """Tell the simulator of a channel's account; return its settings as they have to be now."""
    form = {**hub.vault.open(row.secrets, row.id), "settings": row.settings}
    settings: Mapping[str, Any] = known_there(hub, sandbox_url, row.type, form)["settings"]
    return settings


def _is_practice(row: AnyRow) -> bool:
    """Whether it is a mailbox that somebody tries at the simulator."""
    where = str(row.settings.get("from_address", "")), row.settings.get("smtp_host")
    return bool(_PRACTICE.fullmatch(where[0])) and where[1] == "127.0.0.1"


def _add_telegram(hub: Hub, sandbox_url: str) -> None:
    channel_id = create_channel(
        hub,
        type="telegram",
        name="Telegram demo",
        credentials={"token": _BOT},
        settings={"mode": "webhook", "api_base": f"{sandbox_url}/telegram"},
        actor="cli",
    )
    wanted = WantedRoutes(routes=_ROUTES, fallback={"type": "inbox"}, accept_conflicts=False)
    save_routes(hub, channel_id, wanted, actor="cli")


def _add_twilio(hub: Hub, sandbox_url: str) -> None:
    create_channel(
        hub,
        type="sms_twilio",
        name="SMS demo",
        credentials={"account_sid": _ACCOUNT, "auth_token": "0" * 31 + "1"},
        settings={"from_number": _NUMBER, "api_base": f"{sandbox_url}/twilio"},
        actor="cli",
    )


def _add_gateway(hub: Hub, sandbox_url: str) -> None:
    channel_id = create_channel(
        hub,
        type="sms_gateway",
        name="SMS gateway demo",
        credentials=_GATEWAY,
        settings={"from_number": _SHORT_CODE, "api_base": f"{sandbox_url}/gateway"},
        actor="cli",
    )
    _configure_gateway(hub, channel_id, sandbox_url)


def _configure_gateway(hub: Hub, channel_id: str, sandbox_url: str) -> None:
    """Tell the gateway where inbound messages go, which people write into its configuration."""
    url = webhook_url(hub.settings.base_url, find_channel(hub, channel_id).webhook_key)
    service = {
        "username": _GATEWAY["username"],
        "password": _GATEWAY["password"],
        "numbers": [_SHORT_CODE],
        "get_url": f"{url}?token={_GATEWAY['inbound_token']}&{_INBOUND}",
    }
    tell_sandbox(hub, f"{sandbox_url}/_sandbox/gateways", service)


def _add_vonage(hub: Hub, sandbox_url: str) -> None:
    _create_application(hub, sandbox_url)
    create_channel(
        hub,
        type="sms_vonage",
        name="SMS demo (Vonage)",
        credentials=_VONAGE,
        settings={"from_number": _VONAGE_NUMBER, "api_base": f"{sandbox_url}/vonage"},
        actor="cli",
    )


def _create_application(hub: Hub, sandbox_url: str) -> None:
    """Make the application at Vonage, as people do in its dashboard."""
    application = {**_VONAGE, "name": "Demo", "numbers": [_VONAGE_NUMBER]}
    tell_sandbox(hub, f"{sandbox_url}/_sandbox/applications", application)


def _add_whatsapp(hub: Hub, sandbox_url: str) -> None:
    _create_number(hub, sandbox_url)
    create_channel(
        hub,
        type="whatsapp_cloud",
        name="WhatsApp demo",
        credentials=_META,
        settings={**_WHATSAPP, "api_base": f"{sandbox_url}/whatsapp"},
        actor="cli",
    )


def _create_number(hub: Hub, sandbox_url: str) -> None:
    """Make app, account and number at Meta, as people do in its dashboard."""
    number = {**_WHATSAPP, **_META, "verified_name": "Demo shop"}
    tell_sandbox(hub, f"{sandbox_url}/_sandbox/numbers", number)


def _add_messenger(hub: Hub, sandbox_url: str) -> None:
    _create_page(hub, sandbox_url)
    create_channel(
        hub,
        type="messenger",
        name="Messenger demo",
        credentials=_PAGE,
        settings={
            **_MESSENGER,
            "human_agent_enabled": True,
            "api_base": f"{sandbox_url}/messenger",
        },
        actor="cli",
    )


def _add_client(hub: Hub, sandbox_url: str) -> None:
    _install_client(hub, sandbox_url)
    create_channel(
        hub,
        type="whatsapp_onpremise",
        name="WhatsApp demo (On-Premises)",
        credentials=_CLIENT,
        settings={"api_base": f"{sandbox_url}/onprem", "namespace": _NAMESPACE},
        actor="cli",
    )


def _create_page(hub: Hub, sandbox_url: str) -> None:
    """Make app and Page at Meta, as people do in its dashboard."""
    page = {**_MESSENGER, **_PAGE, "name": "Demo page", "human_agent": True}
    tell_sandbox(hub, f"{sandbox_url}/_sandbox/pages", page)


def _install_client(hub: Hub, sandbox_url: str) -> None:
    """Install a client, as people do on a server of their own."""
    client = {**_CLIENT, "namespace": _NAMESPACE, "verified_name": "Demo shop"}
    tell_sandbox(hub, f"{sandbox_url}/_sandbox/clients", client)


def _add_centre(hub: Hub, sandbox_url: str) -> None:
    create_channel(
        hub,
        type="sms_smpp",
        name="SMS demo (SMPP)",
        credentials={"password": _CENTRE["password"]},
        settings={
            "api_base": _open_account(hub, sandbox_url),
            "system_id": _CENTRE["system_id"],
            "from_number": _CENTRE_NUMBER,
        },
        actor="cli",
    )


#: A greeting on its second page shows that the window can begin, too.
_WEBCHAT: Final[Mapping[str, Any]] = {
    "texts": {"en": {"title": "Two Wheels", "welcome": "Hello! Ask us anything about bicycles."}},
    "greetings": [
        {
            "id": "prices",
            "content": "Anything we can help you choose?",
            "when": {"url": ["**/shop/prices"], "delay_s": 8},
        }
    ],
}


def _add_webchat(hub: Hub, sandbox_url: str) -> None:
    del sandbox_url  # the provider is the hub itself
    create_channel(
        hub, type="webchat", name="Webchat demo", credentials={}, settings=_WEBCHAT, actor="cli"
    )


def _open_shop(hub: Hub, sandbox_url: str) -> None:
    """Put the chat window on the sandbox's website, as people paste a line into theirs."""
    with reading(hub.engine) as db:
        rows = channel_queries.channels(db, before=None, limit=200)
    key = next((row.webhook_key for row in rows if row.type == "webchat"), None)
    if key:
        url = widget_url(hub.settings.base_url, key)
        tell_sandbox(hub, f"{sandbox_url}/_sandbox/shops", {"widget_url": url})


def _open_account(hub: Hub, sandbox_url: str) -> str:
    """Have an account opened at the message centre, as operators do; return where that listens."""
    account = {**_CENTRE, "numbers": [_CENTRE_NUMBER]}
    made = tell_sandbox(hub, f"{sandbox_url}/_sandbox/centres", account)
    return str(made["address"])


def _add_email(hub: Hub, sandbox_url: str) -> None:
    password = _MAILBOX["password"]
    create_channel(
        hub,
        type="email",
        name="Email demo",
        credentials={"smtp_password": password, "imap_password": password},
        settings={
            **_open_mailbox(hub, sandbox_url),
            "from_address": _MAILBOX["address"],
            "from_name": "Demo shop",
            "folders": ["INBOX"],
        },
        actor="cli",
    )


def _open_mailbox(hub: Hub, sandbox_url: str) -> dict[str, Any]:
    """Have a mailbox opened, as administrators do; return where its servers are."""
    made = tell_sandbox(hub, f"{sandbox_url}/_sandbox/mailboxes", _MAILBOX)
    return {
        f"{protocol}_{name}": value
        for protocol in ("smtp", "imap")
        for name, value in {
            "host": made[f"{protocol}_host"],
            "port": made[f"{protocol}_port"],
            "security": made["security"],
            "username": made["address"],
        }.items()
    }


#: How each channel is added, by its type.
_CHANNELS: Final[Mapping[str, Callable[[Hub, str], None]]] = {
    "telegram": _add_telegram,
    "sms_twilio": _add_twilio,
    "sms_gateway": _add_gateway,
    "sms_vonage": _add_vonage,
    "whatsapp_cloud": _add_whatsapp,
    "messenger": _add_messenger,
    "whatsapp_onpremise": _add_client,
    "sms_smpp": _add_centre,
    "email": _add_email,
    "webchat": _add_webchat,
}
#: What people make in a provider's dashboard beforehand, by the provider's path in the sandbox.
_DASHBOARDS: Final[Mapping[str, Callable[[Hub, str], None]]] = {
    "vonage": _create_application,
    "whatsapp": _create_number,
    "messenger": _create_page,
    "onprem": _install_client,
}
