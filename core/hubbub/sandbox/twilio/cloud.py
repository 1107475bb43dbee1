"""Hold the accounts, and know who may use them."""

import hmac
import re
from dataclasses import dataclass, field
from typing import Final

from hubbub.sandbox.twilio.refusal import Refused
from hubbub.sandbox.twilio.state import Account
from hubbub.sandbox.world import NoSuchThing, World

_ACCOUNT: Final = re.compile(r"AC[0-9a-f]{32}")


@dataclass
class Cloud:
    """Everything Twilio knows."""

    world: World
    accounts: dict[str, Account] = field(default_factory=dict)

    def account(self, sid: str) -> Account:
        """Return an account, made known if it is new; `ValueError` for what is no SID."""
        account = self.accounts.get(sid)
        if account is None:
            if not _ACCOUNT.fullmatch(sid):
                raise ValueError(f"{sid!r} is no account SID: AC and 32 hexadecimal digits.")
            with self.world.lock:
                account = self.accounts.setdefault(sid, Account(sid))
        return account

    def named(self, sid: str) -> Account:
        """Return a known account; `NoSuchThing` if there is none."""
        account = self.accounts.get(sid)
        if account is None:
            raise NoSuchThing(
                "The sandbox knows no such account. It learns of one when the hub calls the "
                "REST API as it, or by POST /_sandbox/accounts."
            )
        return account

    def admit(self, sid: str, credentials: tuple[str, str]) -> Account:
        """Return the account ``sid`` if the credentials open it.

        The first pair that is ever used is taken as the right one.
        """
        user, password = credentials
        if not password:
            raise Refused(20003)
        try:
            account = self.account(sid)
        except ValueError:
            raise Refused(20404) from None
        expected = _expected(account, user, password)
        if not hmac.compare_digest(password.encode(), expected.encode()):
            raise Refused(20003)
        return account

    def account_of(self, credentials: tuple[str, str]) -> Account:
        """Return the account of credentials, for paths that do not name it."""
        user, _ = credentials
        for account in list(self.accounts.values()):
            if user == account.sid or user in account.api_keys:
                return self.admit(account.sid, credentials)
        if not user.startswith("AC"):
            raise Refused(20003)
        return self.admit(user, credentials)

    def reset(self) -> None:
        """Forget everything."""
        with self.world.lock:
            self.accounts.clear()


def _expected(account: Account, user: str, password: str) -> str:
    if user == account.sid:
        account.auth_token = account.auth_token or password
        return account.auth_token
    if user.startswith("SK"):
        return account.api_keys.setdefault(user, password)
    raise Refused(20003)
