"""Give out access tokens, and tell who somebody is that shows a password or a token."""

import base64
import hmac
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from hubbub.sandbox.email.state import Account, OAuth, Post
from hubbub.sandbox.faults import Fault
from hubbub.sandbox.wsgi import Ask, Json, Reply, json_reply

_SCOPE: Final = "https://mail.google.com/"
#: What a server says to a token that it does not take.
# https://developers.google.com/workspace/gmail/imap/xoauth2-protocol
REFUSED_TOKEN: Final = json.dumps({"status": "401", "schemes": "Bearer", "scope": _SCOPE})


def by_password(post: Post, username: str, password: str) -> Account | None:
    """Return the account whose address and password these are."""
    account = post.accounts.get(username.lower())
    if account is None or not account.password:
        return None
    known = hmac.compare_digest(account.password.encode(), password.encode())
    return account if known else None


def by_plain(post: Post, proof: bytes) -> Account | None:
    """Return the account to which the words of AUTH PLAIN belong (RFC 4616)."""
    words = proof.split(b"\0")
    if len(words) != 3:  # noqa: PLR2004  # as whom, who, password
        return None
    return by_password(post, *(word.decode("utf-8", "replace") for word in words[1:]))


def by_xoauth2(post: Post, proof: bytes) -> Account | None:
    """Return the account to which the words of AUTH XOAUTH2 belong."""
    words = dict(word.partition("=")[::2] for word in proof.decode("utf-8", "replace").split("\1"))
    way, _, token = words.get("auth", "").partition(" ")
    address, until = post.tokens.get(token, ("", 0.0))
    if way.lower() != "bearer" or until <= time.time():
        return None
    return post.accounts.get(address) if words.get("user", "").lower() == address else None


def decoded(word: str) -> bytes:
    """Return what a client sent in base64; nothing for what is none."""
    try:
        return base64.b64decode(word, validate=True)
    except ValueError:
        return b""


def encoded(words: str) -> str:
    """Return words in base64, as a server says them."""
    return base64.b64encode(words.encode()).decode()


def answer(post: Post, ask: Ask) -> Reply:
    """Answer at a token endpoint: Google's form, or Microsoft's below the name of a tenant."""
    tenant = ask.path.removesuffix("/oauth2/v2.0/token").rpartition("/")[2]
    microsoft = ask.path.endswith("/oauth2/v2.0/token")
    asked = dict(ask.form)
    if asked.get("grant_type") != "refresh_token":
        return _refused(
            "unsupported_grant_type", "Only refresh_token is granted here.", microsoft=microsoft
        )
    with post.world.lock:
        account = _known(post, asked, tenant if microsoft else "")
        if account is None or account.oauth is None:
            return _refused(
                "invalid_client", "The OAuth client was not found.", microsoft=microsoft
            )
        if asked.get("refresh_token") != account.oauth.refresh_token:
            return _refused(
                "invalid_grant", "Token has been expired or revoked.", microsoft=microsoft
            )
        return json_reply(_granted(post, account, account.oauth, microsoft=microsoft))


def refuse(fault: Fault) -> Reply:
    """Answer as a token endpoint does that gives no token just now."""
    said = {"rate_limit": (429, "slow_down"), "token_revoked": (400, "invalid_grant")}
    status, code = said.get(fault.kind, (fault.status, "temporarily_unavailable"))
    return Reply(status, fault.words(json.dumps({"error": code})).encode())


def revoke(post: Post, account: Account) -> None:
    """Make every token of an account dead, the refresh token too."""
    with post.world.lock:
        if account.oauth is not None:
            account.oauth = replace(account.oauth, refresh_token=secrets.token_urlsafe(24))
        expire(post, account)


def expire(post: Post, account: Account) -> None:
    """Make the access tokens of an account dead."""
    with post.world.lock:
        for token in [one for one, (whose, _) in post.tokens.items() if whose == account.address]:
            del post.tokens[token]


def _known(post: Post, asked: Mapping[str, str], tenant: str) -> Account | None:
    """Return the account for which the client may ask.

    One client may be known for several accounts: its refresh token tells them apart.
    """
    found = [
        account
        for account in post.accounts.values()
        if (oauth := account.oauth) is not None
        and oauth.client_id == asked.get("client_id")
        and oauth.client_secret == asked.get("client_secret", "")
        and tenant in {"", oauth.tenant}
    ]
    shown = asked.get("refresh_token")
    ours = (one for one in found if one.oauth is not None and one.oauth.refresh_token == shown)
    return next(ours, found[0] if found else None)


def _granted(post: Post, account: Account, oauth: OAuth, *, microsoft: bool) -> Json:
    token, seconds = secrets.token_urlsafe(32), post.world.rules.email_token_seconds
    post.tokens[token] = (account.address, time.time() + seconds)
    granted: Json = {
        "access_token": token,
        "expires_in": int(seconds),
        "token_type": "Bearer",
        "scope": _SCOPE,
    }
    if microsoft:
        # Microsoft gives another refresh token with each access token.
        account.oauth = replace(oauth, refresh_token=secrets.token_urlsafe(24))
        scope = "https://outlook.office.com/IMAP.AccessAsUser.All"
        granted |= {"scope": f"{scope} https://outlook.office.com/SMTP.Send"}
        granted |= {"ext_expires_in": int(seconds), "refresh_token": account.oauth.refresh_token}
    return granted


def _refused(code: str, why: str, *, microsoft: bool) -> Reply:
    said: Json = {"error": code, "error_description": why}
    if microsoft:
        number = {"invalid_client": 7000215, "invalid_grant": 70008}.get(code, 70003)
        said["error_description"] = f"AADSTS{number}: {why}"
        said["error_codes"] = [number]
    return json_reply(said, status=401 if code == "invalid_client" else 400)
