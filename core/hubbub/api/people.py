"""Answer the calls about API tokens and users."""

from dataclasses import replace

from pydantic import Field

from hubbub.api import shapes
from hubbub.api.endpoint import Ask, Body, Endpoint, Nothing, endpoint, optional
from hubbub.api.pages import Page, by_id, cut
from hubbub.hub import Hub
from hubbub.people.errors import Complaint, Invalid
from hubbub.people.invites import add_invited, invite
from hubbub.people.rules import SCOPES, Person, Role, Scope
from hubbub.people.tokens import (
    TokenInfo,
    create_token,
    find_token,
    list_tokens,
    revoke_token,
)
from hubbub.people.users import add_user, change_user, end_sessions, find_user, list_users

_TOKENS = "Tokens"
_USERS = "Users"


class NewToken(Body):
    """A token to make."""

    name: str = Field(min_length=1, max_length=100)
    scopes: list[Scope] = Field(default_factory=lambda: list(SCOPES), min_length=1)


class NewUser(Body):
    """A person to add. One without a password chooses it by a link: `POST /users/{id}/invite`."""

    email: str = Field(max_length=254)
    password: str = optional(min_length=8, max_length=512, secret=True)
    name: str = Field("", max_length=100)
    role: Role = "agent"


class PreferencesPatch(Body):
    """What somebody likes otherwise."""

    shortcuts: bool = optional()
    undo: bool = optional()


class UserPatch(Body):
    """What to change. A new password, or being disabled, ends every login they have."""

    name: str = optional(max_length=100)
    role: Role = optional()
    password: str = optional(min_length=8, max_length=512, secret=True)
    disabled: bool = optional()
    available: bool = optional()
    preferences: PreferencesPatch = optional()


@endpoint("GET", "/tokens", tag=_TOKENS, scope="admin")
def get_tokens(hub: Hub, ask: Ask[Page, Nothing]) -> shapes.Listing[shapes.TokenJson]:
    """List the tokens, revoked ones included, the newest first."""
    found = list_tokens(hub, before=ask.query.before_id(), limit=ask.query.fetch)
    page, cursor = cut(found, ask.query.limit, by_id)
    items = [shapes.TokenJson(**vars(info)) for info in page]
    return shapes.Listing(items=items, next_cursor=cursor)


@endpoint("POST", "/tokens", tag=_TOKENS, scope="admin", status=201)
def post_token(hub: Hub, ask: Ask[Nothing, NewToken]) -> shapes.NewTokenJson:
    """Make a token. Only this answer holds it; it may do no more than the one that asks."""
    beyond = [scope for scope in ask.body.scopes if scope not in ask.bearer.scopes]
    if beyond:
        raise Invalid(Complaint("scopes", f"Your own token lacks {', '.join(beyond)}."))
    token_id, token = create_token(
        hub, name=ask.body.name, scopes=ask.body.scopes, actor=ask.bearer.actor
    )
    info: TokenInfo = find_token(hub, token_id)
    return shapes.NewTokenJson(**vars(info), token=token)


@endpoint("DELETE", "/tokens/{id}", tag=_TOKENS, scope="admin", status=204)
def delete_token(hub: Hub, ask: Ask[Nothing, Nothing]) -> None:
    """Revoke a token: it stops working at once."""
    revoke_token(hub, ask.id, actor=ask.bearer.actor)


@endpoint("GET", "/users", tag=_USERS, scope="admin")
def get_users(hub: Hub, ask: Ask[Page, Nothing]) -> shapes.Listing[shapes.UserJson]:
    """List the people who work here, the newest first."""
    found = list_users(hub, before=ask.query.before_id(), limit=ask.query.fetch)
    page, cursor = cut(found, ask.query.limit, by_id)
    return shapes.Listing(items=[_user(person) for person in page], next_cursor=cursor)


@endpoint("POST", "/users", tag=_USERS, scope="admin", status=201, problems=("email-taken",))
def post_user(hub: Hub, ask: Ask[Nothing, NewUser]) -> shapes.UserJson:
    """Add a person, who can log in to the console with email and password."""
    given = ask.body.model_dump(exclude_unset=True)
    add = add_user if "password" in given else add_invited
    user_id = add(hub, **given, actor=ask.bearer.actor)
    return _user(find_user(hub, user_id))


@endpoint("POST", "/users/{id}/invite", tag=_USERS, scope="admin", status=201)
def post_invite(hub: Hub, ask: Ask[Nothing, Nothing]) -> shapes.InviteJson:
    """Make a link by which a person chooses a password, once. Whoever has it can log in as them."""
    made = invite(hub, ask.id, actor=ask.bearer.actor)
    url = f"{hub.settings.base_url}{made.path}"
    return shapes.InviteJson(url=url, expires_at=made.expires_at)


@endpoint("DELETE", "/users/{id}/sessions", tag=_USERS, scope="admin", status=204)
def delete_sessions(hub: Hub, ask: Ask[Nothing, Nothing]) -> None:
    """Log a person out everywhere."""
    end_sessions(hub, ask.id, actor=ask.bearer.actor)


@endpoint("GET", "/users/{id}", tag=_USERS, scope="admin")
def get_user(hub: Hub, ask: Ask[Nothing, Nothing]) -> shapes.UserJson:
    """Return a person."""
    return _user(find_user(hub, ask.id))


@endpoint("PATCH", "/users/{id}", tag=_USERS, scope="admin", problems=("last-admin",))
def patch_user(hub: Hub, ask: Ask[Nothing, UserPatch]) -> shapes.UserJson:
    """Change a person."""
    changes = ask.body.model_dump(exclude_unset=True)
    if "preferences" in changes:
        changes["preferences"] = replace(
            find_user(hub, ask.id).preferences, **changes["preferences"]
        )
    return _user(change_user(hub, ask.id, actor=ask.bearer.actor, **changes))


def _user(person: Person) -> shapes.UserJson:
    return shapes.UserJson(
        id=person.id,
        email=person.email,
        name=person.name,
        role=person.role,
        disabled=person.disabled,
        available=person.available,
        preferences=shapes.PreferencesJson(**person.preferences.as_json()),
        created_at=person.created_at,
    )


ENDPOINTS: tuple[Endpoint, ...] = (
    get_tokens,
    post_token,
    delete_token,
    get_users,
    post_user,
    post_invite,
    delete_sessions,
    get_user,
    patch_user,
)
