"""Prove who we are. Source: On-Premises API, "Login and authentication"."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from hubbub.sdk import Exchange, HttpRequest, HttpResponse, Renewed
from hubbub_whatsapp_onprem import api, faults, wire
from hubbub_whatsapp_onprem.fields import OnPremiseConnection

#: Of the token, among `Connection.tokens`; and of its end, among `Connection.facts`.
TOKEN: Final = "login"  # noqa: S105  # a name
ENDS_AT: Final = "login_ends_at"


class Session:
    """Us, for the length of one exchange: with the token that a check kept, or a new one.

    A token that is refused is replaced once; `renewed` is then kept for others.
    """

    def __init__(self, connection: OnPremiseConnection) -> None:
        self._connection = connection
        self._fresh = False
        self.token = connection.tokens.get(TOKEN, "")
        self.ends_at = _time(connection.facts.get(ENDS_AT, ""))

    @property
    def renewed(self) -> Renewed | None:
        """The login that had to be made on the way, if one had."""
        if not self._fresh:
            return None
        ends_at = self.ends_at.isoformat() if self.ends_at else ""
        return Renewed(tokens={TOKEN: self.token}, facts={ENDS_AT: ends_at})

    def ask(self, request: HttpRequest) -> Exchange[HttpResponse]:
        """Make ``request``; where the client knows us no more, log in and make it once again.

        What is refused so has had no effect. Raises the `SendError` of a login that fails.
        """
        logs_in = self._connection.fields.logs_in
        if logs_in and not self.token:
            yield from self.log_in()
        response = yield self._proven(request)
        if logs_in and not self._fresh and faults.denied(response):
            yield from self.log_in()
            response = yield self._proven(request)
        return response

    def log_in(self) -> Exchange[None]:
        """Get a new token. Raises `hubbub.sdk.AuthFailed`, or why the client cannot be asked."""
        response = yield self._trusting(api.login(self._connection))
        user = api.need(wire.Login, response).users[0]
        self.token, self.ends_at, self._fresh = user.token, user.ends_at, True

    def _proven(self, request: HttpRequest) -> HttpRequest:
        return self._trusting(replace(request, headers={**request.headers, **self._proof()}))

    def _trusting(self, request: HttpRequest) -> HttpRequest:
        trusted = self._connection.fields.settings.ca_certificate
        return replace(request, trust=trusted) if trusted else request

    def _proof(self) -> Mapping[str, str]:
        fields = self._connection.fields
        if fields.settings.auth_mode == "header":
            return {fields.settings.header_name: fields.credentials.api_token}
        return {"authorization": f"Bearer {self.token or fields.credentials.api_token}"}


def _time(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
