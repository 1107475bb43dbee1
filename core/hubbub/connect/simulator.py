"""Open accounts at the provider simulators, for who wants to try a channel without a provider.

Only a demo has them beside it. Whatever is sent there reaches nobody outside.
"""

import secrets
from collections.abc import Callable, Mapping
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
    make = _ACCOUNTS.get(channel_type)
    if make is None or not hub.settings.sandbox_url:
        return None
    return make(hub, hub.settings.sandbox_url)


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


def _telegram(hub: Hub, sandbox: str) -> Form:
    token = f"{_digits(9)}:SIMULATOR-{secrets.token_hex(14)}"
    name = f"practice_{_digits(4)}_bot"
    tell_sandbox(
        hub,
        f"{sandbox}/_sandbox/bots",
        {"token": token, "username": name, "first_name": "Practice bot"},
    )
    return {
        "credentials": {"token": token},
        "settings": {"api_base": f"{sandbox}/telegram", "mode": "webhook"},
    }


def _twilio(hub: Hub, sandbox: str) -> Form:
    account, token, number = f"AC{secrets.token_hex(16)}", secrets.token_hex(16), _number()
    about = {"sid": account, "auth_token": token, "numbers": [number]}
    tell_sandbox(hub, f"{sandbox}/_sandbox/accounts", about)
    return {
        "credentials": {"account_sid": account, "auth_token": token},
        "settings": {"from_number": number, "api_base": f"{sandbox}/twilio"},
    }


def _vonage(hub: Hub, sandbox: str) -> Form:
    credentials = {
        "api_key": secrets.token_hex(4),
        "api_secret": secrets.token_hex(8),
        "application_id": _uuid(),
        "signature_secret": secrets.token_hex(16),
    }
    number = _number().removeprefix("+")
    about = {**credentials, "name": "Practice", "numbers": [number]}
    tell_sandbox(hub, f"{sandbox}/_sandbox/applications", about)
    return {
        "credentials": credentials,
        "settings": {"from_number": number, "api_base": f"{sandbox}/vonage"},
    }


def _whatsapp(hub: Hub, sandbox: str) -> Form:
    ids = {name: _digits(15) for name in ("phone_number_id", "business_account_id", "app_id")}
    secret = {"access_token": f"EAA{secrets.token_hex(20)}", "app_secret": secrets.token_hex(16)}
    tell_sandbox(
        hub, f"{sandbox}/_sandbox/numbers", {**ids, **secret, "verified_name": "Practice shop"}
    )
    return {"credentials": secret, "settings": {**ids, "api_base": f"{sandbox}/whatsapp"}}


def _messenger(hub: Hub, sandbox: str) -> Form:
    ids = {name: _digits(15) for name in ("page_id", "app_id")}
    secret = {
        "page_access_token": f"EAA{secrets.token_hex(20)}",
        "app_secret": secrets.token_hex(16),
    }
    tell_sandbox(hub, f"{sandbox}/_sandbox/pages", {**ids, **secret, "name": "Practice page"})
    return {"credentials": secret, "settings": {**ids, "api_base": f"{sandbox}/messenger"}}


def _email(hub: Hub, sandbox: str) -> Form:
    address, password = f"practice{_digits(4)}@example.com", secrets.token_hex(8)
    made = tell_sandbox(
        hub, f"{sandbox}/_sandbox/mailboxes", {"address": address, "password": password}
    )
    servers = {
        f"{protocol}_{name}": value
        for protocol in ("smtp", "imap")
        for name, value in {
            "host": made[f"{protocol}_host"],
            "port": made[f"{protocol}_port"],
            "security": made["security"],
        }.items()
    }
    return {
        "credentials": {"smtp_password": password},
        "settings": {**servers, "from_address": address},
    }


def _number() -> str:
    return f"+1201555{_digits(4)}"


def _uuid() -> str:
    text = secrets.token_hex(16)
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


_ACCOUNTS: Final[Mapping[str, Callable[[Hub, str], Form]]] = {
    "telegram": _telegram,
    "sms_twilio": _twilio,
    "sms_vonage": _vonage,
    "whatsapp_cloud": _whatsapp,
    "messenger": _messenger,
    "email": _email,
}
#: How the simulator's page names what customers of a channel write to.
_DESKS: Final[Mapping[str, Callable[[AnyRow], str]]] = {
    "telegram": lambda row: f"telegram:{row.account}",
    "whatsapp_cloud": lambda row: f"whatsapp:{row.settings.get('phone_number_id')}",
    "messenger": lambda row: f"messenger:{row.settings.get('page_id')}",
    "email": lambda row: f"email:{row.settings.get('from_address')}",
}
