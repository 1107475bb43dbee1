"""Get access tokens (OAuth 2) and say who we are by them. Source: RFC 6749, section 6."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, NoReturn, TypeVar
from urllib.parse import urlencode

from hubbub.sdk import AuthFailed, Exchange, HttpRequest, HttpResponse, Renewed, Transient
from hubbub.sdk.graph import told_at
from hubbub_email.fields import EmailConnection, OAuth

T = TypeVar("T")

#: Among `Connection.tokens`; the refresh token where the provider gave another one for it.
_ACCESS: Final = "access"
_REFRESH: Final = "refresh"
#: Among `Connection.facts`: from when on a new one is wanted.
_OLD_AT: Final = "token_old_at"
#: A token is replaced after so much of its life.
_OLD: Final = 0.8
_LONGEST_LIFE: Final = 86_400 * 30
_USUAL_LIFE: Final = timedelta(hours=1)
#: In place of a token that we do not have: it is refused, and another one is got.
_NONE: Final = "none"
_OK: Final = 200
_FORM: Final = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
#: The grant, or we, are refused until somebody consents anew; all else may pass.
_REFUSED: Final = frozenset(
    {"invalid_grant", "invalid_client", "unauthorized_client", "invalid_scope", "invalid_request"}
)


class Access:
    """Us, for the length of one exchange: with the token that was kept, or a new one.

    A token that is refused is replaced once; `renewed` is then kept for others.
    """

    def __init__(self, connection: EmailConnection) -> None:
        self._connection = connection
        self._oauth = connection.fields.credentials.oauth
        self._refresh = connection.tokens.get(_REFRESH, "")
        self._old_at = connection.facts.get(_OLD_AT, "")
        self._now: datetime | None = None
        self._fresh = False
        #: Empty where passwords are used.
        self.token = connection.tokens.get(_ACCESS, _NONE) if self._oauth else ""

    @property
    def old(self) -> bool:
        """Whether a new token is wanted, by the time that the last answer told."""
        if self._oauth is None or self._fresh or not (self._now and self._old_at):
            return False
        return self._now >= datetime.fromisoformat(self._old_at)

    @property
    def renewed(self) -> Renewed | None:
        """What had to be got on the way, if anything had."""
        return Renewed(tokens=self.tokens, facts=self.facts) if self._fresh else None

    @property
    def tokens(self) -> Mapping[str, str]:
        """What is to be kept encrypted."""
        token = "" if self.token == _NONE else self.token
        held = {_ACCESS: token, _REFRESH: self._refresh}
        return {name: value for name, value in held.items() if value}

    @property
    def facts(self) -> Mapping[str, str]:
        """What is to be kept beside."""
        return {_OLD_AT: self._old_at} if self._old_at else {}

    def ask(
        self,
        made: Callable[[str], HttpRequest],
        read: Callable[[HttpResponse], T],
        refused: Callable[[T], bool],
    ) -> Exchange[T]:
        """Return what the server says to the request that is ``made`` with the token.

        Where it refuses the token, get another one and ask once more: nothing has happened yet.
        """
        if self.token == _NONE:
            yield from self.renew()
        said = yield from self._asked(made, read)
        if self._oauth and not self._fresh and refused(said):
            yield from self.renew()
            said = yield from self._asked(made, read)
        return said

    def renew(self) -> Exchange[None]:
        """Get a new token. Raises `hubbub.sdk.AuthFailed`, or why nobody can be asked."""
        if self._oauth is None:
            return
        response = yield _grant(self._connection, self._oauth, self._refresh)
        token, life, refresh = _granted(response)
        self.token, self._fresh = token, True
        self._refresh = refresh or self._refresh
        now = told_at(response)
        self._old_at = (now + life * _OLD).isoformat() if now else ""

    def _asked(
        self, made: Callable[[str], HttpRequest], read: Callable[[HttpResponse], T]
    ) -> Exchange[T]:
        response = yield made(self.token)
        self._now = told_at(response) or self._now
        return read(response)


def _grant(connection: EmailConnection, oauth: OAuth, refresh: str) -> HttpRequest:
    settings = connection.fields.settings
    asked = {
        "grant_type": "refresh_token",
        "client_id": oauth.client_id,
        "client_secret": oauth.client_secret,
        "refresh_token": refresh or oauth.refresh_token,
        "scope": settings.provider.scope,
    }
    return HttpRequest(
        method="POST",
        url=settings.api_base
        or settings.provider.token_url.format(tenant=oauth.tenant or "common"),
        headers=_FORM,
        body=urlencode({name: value for name, value in asked.items() if value}).encode(),
        # Of two tokens that are handed out, one is forgotten.
        safe=True,
        trust=settings.ca_certificate if settings.api_base else "",
    )


def _granted(response: HttpResponse) -> tuple[str, timedelta, str]:
    """Return the access token, how long it lives, and a refresh token if there is another one."""
    said = _read(response)
    token, refresh = said.get("access_token"), said.get("refresh_token")
    if response.status != _OK or not isinstance(token, str) or not token:
        _fail(response, said)
    return token, _life(said.get("expires_in")), refresh if isinstance(refresh, str) else ""


def _life(seconds: object) -> timedelta:
    if isinstance(seconds, int) and 0 < seconds < _LONGEST_LIFE:
        return timedelta(seconds=seconds)
    return _USUAL_LIFE


def _read(response: HttpResponse) -> Mapping[str, Any]:
    try:
        said = response.json()
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _fail(response: HttpResponse, said: Mapping[str, Any]) -> NoReturn:
    word = said.get("error")
    why = str(said.get("error_description") or word or f"HTTP {response.status}")[:300]
    detail = f"No access token was handed out: {why}"
    if word in _REFUSED or response.status in {401, 403}:
        raise AuthFailed(detail, code="oauth_refused", provider_code=str(word or response.status))
    raise Transient(detail, code="oauth_unreachable")
