"""Call the hub's webhooks as Twilio does: signed, with few repeats."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, urldefrag, urlencode, urlsplit

from hubbub.sandbox.client import Answer
from hubbub.sandbox.twilio.signing import signature
from hubbub.sandbox.twilio.state import Account
from hubbub.sandbox.world import Parcel, Target

_TOTAL_SECONDS: Final = 15.0
_TOO_MANY: Final = 5


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the fragment of a webhook URL says about repeats and patience."""

    retries: int = 1
    #: Which failures are repeated: ``ct``, ``rt``, ``4xx``, ``5xx`` or ``all``.
    policy: frozenset[str] = frozenset({"ct"})
    seconds: float = _TOTAL_SECONDS

    def repeats(self, answer: Answer, attempt: int) -> bool:
        """Whether a failed call is made again."""
        return attempt <= self.retries and bool(self.policy & {"all", _failure(answer)})


def overrides(url: str) -> Overrides:
    """Read the fragment of a webhook URL; what is missing or odd is as by default."""
    given = parse_qs(urlsplit(url).fragment)

    def number(name: str, default: int, top: int) -> int:
        text = given.get(name, [""])[0]
        return min(int(text), top) if text.isdigit() else default

    policy = frozenset(given["rp"][0].split(",")) if "rp" in given else frozenset({"ct"})
    seconds = number("rt", 15_000, 15_000) / 1000
    return Overrides(number("rc", 1, _TOO_MANY), policy, seconds)


def parcel(
    account: Account,
    url: str,
    parameters: Mapping[str, str],
    *,
    kind: str,
    key: str,
    address: str,
    done: Callable[[Answer], None],
) -> Parcel:
    """Return a signed form POST; ``done`` is told the last answer."""
    bare, _ = urldefrag(url)
    rules = overrides(url)
    idempotency = secrets.token_hex(16)

    def target(forged: bool) -> Target | None:  # noqa: FBT001  # the type of Parcel.target
        token = "not-the-auth-token" if forged else account.auth_token
        headers = {
            "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
            "X-Twilio-Signature": signature(token, bare, parameters),
            "I-Twilio-Idempotency-Token": idempotency,
            "User-Agent": "TwilioProxy/1.1",
            "Accept": "*/*",
        }
        return Target(bare, headers, rules.seconds)

    def heard(answer: Answer, attempt: int) -> float | None:
        if not answer.accepted and rules.repeats(answer, attempt):
            return 0.0
        done(answer)
        return None

    return Parcel(
        provider="twilio",
        endpoint=account.sid,
        kind=kind,
        key=key,
        body=urlencode(parameters).encode(),
        target=target,
        heard=heard,
        address=address,
        text=parameters.get("Body", ""),
    )


def _failure(answer: Answer) -> str:
    if answer.status is None:
        return "rt" if "timed out" in answer.error else "ct"
    return f"{answer.status // 100}xx"
