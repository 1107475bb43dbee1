"""Answer for numbers and accounts: what they are, who hears of them, their templates."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hubbub.sandbox.meta.apps import parameters
from hubbub.sandbox.meta.refusal import Refused
from hubbub.sandbox.meta.webhooks import shake_hands
from hubbub.sandbox.whatsapp import codes, templates
from hubbub.sandbox.whatsapp.state import OBJECT, Account, Cloud, Number
from hubbub.sandbox.whatsapp.templates import Template
from hubbub.sandbox.wsgi import Ask, Json

_BASIC: Final = ("id", "display_phone_number", "verified_name")
_PAGE: Final = 25
_LARGEST_PAGE: Final = 250


class NewTemplate(BaseModel):
    """A template to create; Meta ignores what it does not know."""

    model_config = ConfigDict(extra="ignore")

    name: str = Field(pattern=r"^[a-z0-9_]{1,512}$")
    language: str
    category: str = "UTILITY"
    parameter_format: str = "POSITIONAL"
    components: list[Json] = Field(min_length=1)


# --- numbers -------------------------------------------------------------------------------


def show_number(number: Number, ask: Ask) -> Json:
    """Return the fields of a number that were asked for. Raises `Refused` for unknown ones."""
    return _fields(number, dict(ask.query).get("fields", ""))


def change_number(cloud: Cloud, number: Number, ask: Ask) -> Json:
    """Set where the webhooks of a number go, once somebody there shook hands."""
    wanted = ask.json.get("webhook_configuration")
    if not isinstance(wanted, dict):
        raise Refused(100, "The parameter webhook_configuration is required.")
    number.callback = _agreed(cloud, number.id, wanted)
    return {"success": True}


def numbers(cloud: Cloud, account: Account, ask: Ask) -> Json:
    """Return one page of the numbers of an account."""
    wanted = dict(ask.query).get("fields", "")
    items = [_fields(number, wanted) for number in cloud.numbers_of(account)]
    return _page(items, ask)


def _fields(number: Number, wanted: str) -> Json:
    known: Mapping[str, Any] = {
        "id": number.id,
        "display_phone_number": number.display,
        "verified_name": number.name,
        "quality_rating": number.quality_rating,
        "code_verification_status": "VERIFIED",
        "platform_type": number.platform_type,
        "status": number.status,
        "name_status": "APPROVED",
        "throughput": {"level": number.throughput},
        "account_mode": "LIVE",
        "whatsapp_business_manager_messaging_limit": "TIER_2K",
        "webhook_configuration": _callbacks(number),
    }
    names = [name.strip() for name in wanted.split(",")] if wanted else list(_BASIC)
    for name in names:
        if name not in known:
            details = f"Tried accessing nonexisting field ({name}) on node type "
            raise Refused(100, f"{details}(WhatsAppBusinessPhoneNumber)")
    return {name: known[name] for name in dict.fromkeys(("id", *names))}


def _callbacks(number: Number) -> Json:
    said = {
        "phone_number": number.callback,
        "whatsapp_business_account": number.account.callback,
        "application": number.account.app.callbacks.get(OBJECT, ""),
    }
    return {place: url for place, url in said.items() if url}


def _agreed(cloud: Cloud, endpoint: str, wanted: Json) -> str:
    """Return the address that is to be called: an empty one resets. Raises `Refused`."""
    url = str(wanted.get("override_callback_uri", ""))
    if url:
        token = str(wanted.get("verify_token", ""))
        shake_hands(cloud.world, url, token, provider="whatsapp", endpoint=endpoint)
    return url


# --- accounts ------------------------------------------------------------------------------


def subscribe(cloud: Cloud, account: Account, ask: Ask) -> Json:
    """Let the app hear of the account; with an address of the account's own, or the app's."""
    account.callback = _agreed(cloud, account.id, parameters(ask))
    account.subscribed = True
    return {"success": True}


def unsubscribe(_cloud: Cloud, account: Account, _ask: Ask) -> Json:
    """Let the app no longer hear of the account."""
    account.subscribed, account.callback = False, ""
    return {"success": True}


def subscriptions(_cloud: Cloud, account: Account, _ask: Ask) -> Json:
    """Return the app, if it hears of the account."""
    if not account.subscribed:
        return {"data": []}
    app = account.app
    said: Json = {"whatsapp_business_api_data": {"id": app.id, "name": app.name, "link": ""}}
    if account.callback:
        said["override_callback_uri"] = account.callback
    return {"data": [said]}


# --- templates -----------------------------------------------------------------------------


def list_templates(_cloud: Cloud, account: Account, ask: Ask) -> Json:
    """Return one page of the templates that the filters let through."""
    query = dict(ask.query)
    filters = {
        name: query[name] for name in ("name", "status", "category", "language") if name in query
    }
    shown = [template.as_json() for template in account.templates]
    found = [one for one in shown if all(one[name] == value for name, value in filters.items())]
    names = [name for name in query.get("fields", "").split(",") if name]
    return _page([_chosen(one, names) for one in found], ask)


def create_template(_cloud: Cloud, account: Account, ask: Ask) -> Json:
    """Take a template, which somebody at Meta looks at."""
    try:
        wanted = NewTemplate.model_validate(ask.json)
    except ValidationError as error:
        raise Refused(100, error.errors()[0]["msg"]) from None
    taken = {(known.name, known.language) for known in account.templates}
    if (wanted.name, wanted.language) in taken:
        raise Refused(100, "There is already content in this language for this template.")
    made = templates.put(account.templates, Template(**wanted.model_dump(), status="PENDING"))
    return {"id": made.id, "status": made.status, "category": made.category}


def delete_template(_cloud: Cloud, account: Account, ask: Ask) -> Json:
    """Forget a template in all its languages."""
    name = dict(ask.query).get("name", "")
    left = [template for template in account.templates if template.name != name]
    if len(left) == len(account.templates):
        raise Refused(codes.NO_TEMPLATE, f"There is no template {name}.")
    account.templates[:] = left
    return {"success": True}


def _chosen(template: Json, names: list[str]) -> Json:
    for name in names:
        if name not in template:
            details = f"Tried accessing nonexisting field ({name}) on node type "
            raise Refused(100, f"{details}(MessageTemplate)")
    return {name: template[name] for name in dict.fromkeys(("id", *names))} if names else template


# --- pages ---------------------------------------------------------------------------------


def _page(items: list[Json], ask: Ask) -> Json:
    query = dict(ask.query)
    limit = query.get("limit", str(_PAGE))
    after = query.get("after", "0")
    if not (limit.isdigit() and after.isdigit() and 1 <= int(limit) <= _LARGEST_PAGE):
        raise Refused(100, "The parameters limit and after must make sense.")
    start, end = int(after), int(after) + int(limit)
    shown = items[start:end]
    if not shown:
        return {"data": []}
    paging: Json = {"cursors": {"before": str(start), "after": str(start + len(shown))}}
    if end < len(items):
        paging["next"] = f"{ask.base_url}{ask.path}?limit={limit}&after={end}"
    return {"data": shown, "paging": paging}
