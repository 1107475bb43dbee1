"""Open accounts at the provider simulators, for who wants to try a channel without a provider.

Only a demo has them beside it. Whatever is sent there reaches nobody outside.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from urllib.parse import urlencode

from hubbub.hub import Hub
from hubbub.sdk.content import Media
from hubbub.sdk.values import HttpRequest
from hubbub.store.types import AnyRow

#: The credentials and settings of a channel, of which its provider has been told.
Form: TypeAlias = dict[str, dict[str, Any]]


def simulated(hub: Hub, channel_type: str) -> Form | None:
    """Open a new account for a channel of a type; return its form, or None where that cannot be."""
    account = _ACCOUNTS.get(channel_type)
    if account is None or not hub.settings.sandbox_url:
        return None
    return known_there(hub, hub.settings.sandbox_url, channel_type, account.invented())


def known_there(
    hub: Hub, sandbox: str, channel_type: str, form: Mapping[str, Any]
) -> dict[str, Any]:
    """Tell the simulator of an account, which it forgot if it was started anew since.

    Return the form of it, with where the simulator is now. What misses too much stays as it is.
    """
    about = {**form.get("credentials", {}), **form.get("settings", {})}
    account = _ACCOUNTS.get(channel_type)
    if account is None or not all(about.get(name) for name in account.needs):
        return dict(form)
    made = tell_sandbox(hub, f"{sandbox}/_sandbox/{account.dashboard}", account.told(about))
    where = {"api_base": f"{sandbox}/{account.path}"} if account.path else _servers(made)
    return {**form, "settings": {**form["settings"], **where}}


def can_simulate(hub: Hub, channel_type: str) -> bool:
    """Whether `simulated` opens accounts for channels of a type."""
    return bool(hub.settings.sandbox_url) and channel_type in _ACCOUNTS


def customers_page(hub: Hub, row: AnyRow) -> str | None:
    """Return where a person writes to a channel as its customer, if it is at the simulator."""
    sandbox = hub.settings.sandbox_url
    if not sandbox or not _at_simulator(row, sandbox):
        return None
    name = _DESKS.get(row.type)
    return f"{sandbox}/?{urlencode({'channel': name(row)})}" if name else f"{sandbox}/"


def tell_sandbox(hub: Hub, url: str, what: Mapping[str, Any]) -> Any:
    """Tell the sandbox of an account, as people do in a provider's dashboard."""
    return hub.http.perform(HttpRequest.json("POST", url, what), files=_no_files).json()


def _at_simulator(row: AnyRow, sandbox: str) -> bool:
    places = (str(row.settings.get(name, "")) for name in ("api_base", "smtp_host"))
    return any(place.startswith((sandbox, "smpp://127.", "127.")) for place in places)


def _no_files(media: Media) -> bytes:
    raise ValueError(f"A configuration holds no file ({media.id}).")


def _digits(count: int) -> str:
    return "".join(str(secrets.randbelow(9) + 1) for _ in range(count))


@dataclass(frozen=True, kw_only=True)
class _Account:
    """How accounts of a provider are made up, and made known to the simulator of it."""

    invented: Callable[[], Form]
    #: What it is called by, of credentials and settings.
    needs: tuple[str, ...]
    #: What the simulator's dashboard is told, and at which address.
    told: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    dashboard: str
    #: Where its API is; empty where it has servers of its own.
    path: str = ""


def _telegram() -> Form:
    token = f"{_digits(9)}:SIMULATOR-{secrets.token_hex(14)}"
    return {"credentials": {"token": token}, "settings": {"mode": "webhook"}}


def _bot(about: Mapping[str, Any]) -> Mapping[str, Any]:
    token = about["token"]
    name = f"practice_{token[:4]}_bot"
    return {"token": token, "username": name, "first_name": "Practice bot"}


def _twilio() -> Form:
    account, token = f"AC{secrets.token_hex(16)}", secrets.token_hex(16)
    return {
        "credentials": {"account_sid": account, "auth_token": token},
        "settings": {"from_number": _number()},
    }


def _twilio_account(about: Mapping[str, Any]) -> Mapping[str, Any]:
    numbers = [about["from_number"]]
    return {"sid": about["account_sid"], "auth_token": about["auth_token"], "numbers": numbers}


_VONAGE: Final = ("api_key", "api_secret", "application_id", "signature_secret")


def _vonage() -> Form:
    credentials = {
        "api_key": secrets.token_hex(4),
        "api_secret": secrets.token_hex(8),
        "application_id": _uuid(),
        "signature_secret": secrets.token_hex(16),
    }
    number = _number().removeprefix("+")
    return {"credentials": credentials, "settings": {"from_number": number}}


def _application(about: Mapping[str, Any]) -> Mapping[str, Any]:
    numbers = [about["from_number"]]
    return {**{name: about[name] for name in _VONAGE}, "name": "Practice", "numbers": numbers}


_NUMBER: Final = (
    "phone_number_id",
    "business_account_id",
    "app_id",
    "access_token",
    "app_secret",
)


def _whatsapp() -> Form:
    ids = {name: _digits(15) for name in ("phone_number_id", "business_account_id", "app_id")}
    secret = {"access_token": f"EAA{secrets.token_hex(20)}", "app_secret": secrets.token_hex(16)}
    return {"credentials": secret, "settings": ids}


def _whatsapp_number(about: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**{name: about[name] for name in _NUMBER}, "verified_name": "Practice shop"}


_PAGE: Final = ("page_id", "app_id", "page_access_token", "app_secret")


def _messenger() -> Form:
    ids = {name: _digits(15) for name in ("page_id", "app_id")}
    secret = {
        "page_access_token": f"EAA{secrets.token_hex(20)}",
        "app_secret": secrets.token_hex(16),
    }
    return {"credentials": secret, "settings": ids}


def _page(about: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**{name: about[name] for name in _PAGE}, "name": "Practice page"}


def _email() -> Form:
    return {
        "credentials": {"smtp_password": secrets.token_hex(8)},
        "settings": {"from_address": f"practice{_digits(4)}@example.com"},
    }


def _mailbox(about: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"address": about["from_address"], "password": about["smtp_password"]}


def _servers(made: Mapping[str, Any]) -> dict[str, Any]:
    return {
        f"{protocol}_{name}": value
        for protocol in ("smtp", "imap")
        for name, value in {
            "host": made[f"{protocol}_host"],
            "port": made[f"{protocol}_port"],
            "security": made["security"],
        }.items()
    }


def _number() -> str:
    return f"+1201555{_digits(4)}"


def _uuid() -> str:
    text = secrets.token_hex(16)
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


_ACCOUNTS: Final[Mapping[str, _Account]] = {
    "telegram": _Account(
        invented=_telegram, needs=("token",), told=_bot, dashboard="bots", path="telegram"
    ),
    "sms_twilio": _Account(
        invented=_twilio,
        needs=("account_sid", "auth_token", "from_number"),
        told=_twilio_account,
        dashboard="accounts",
        path="twilio",
    ),
    "sms_vonage": _Account(
        invented=_vonage,
        needs=(*_VONAGE, "from_number"),
        told=_application,
        dashboard="applications",
        path="vonage",
    ),
    "whatsapp_cloud": _Account(
        invented=_whatsapp,
        needs=_NUMBER,
        told=_whatsapp_number,
        dashboard="numbers",
        path="whatsapp",
    ),
    "messenger": _Account(
        invented=_messenger, needs=_PAGE, told=_page, dashboard="pages", path="messenger"
    ),
    "email": _Account(
        invented=_email,
        needs=("from_address", "smtp_password"),
        told=_mailbox,
        dashboard="mailboxes",
    ),
}
#: How the simulator's page names what customers of a channel write to.
_DESKS: Final[Mapping[str, Callable[[AnyRow], str]]] = {
    "telegram": lambda row: f"telegram:{row.account}",
    "whatsapp_cloud": lambda row: f"whatsapp:{row.settings.get('phone_number_id')}",
    "messenger": lambda row: f"messenger:{row.settings.get('page_id')}",
    "email": lambda row: f"email:{row.settings.get('from_address')}",
}
