"""Let faults strike requests, in Meta's words."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from hubbub.sandbox.faults import REQUEST_KINDS, Fault
from hubbub.sandbox.meta.apps import REVOKED
from hubbub.sandbox.meta.refusal import Code, Refused, refusal
from hubbub.sandbox.world import World
from hubbub.sandbox.wsgi import Reply

#: The error code that goes with an HTTP status when a fault names none.
_BY_STATUS: Final = {401: 190, 403: 10, 404: 100, 503: 2}
_TOO_MANY: Final = 429
_Perform: TypeAlias = Callable[[], Reply]


@dataclass(frozen=True, kw_only=True)
class Product:
    """How one product of the Graph API says no."""

    #: Its name in the sandbox.
    provider: str
    codes: Mapping[int, Code]
    #: Its name beside the details of a refusal; empty where details are the message.
    name: str = ""
    #: Subcodes that a fault may name, under the code with which they come.
    subcodes: Mapping[int, int] = field(default_factory=dict)
    #: The code of too many requests.
    throttled: int
    #: Those of them that say when one may ask again.
    account_limits: frozenset[int]
    #: The code of any other trouble.
    unknown: int

    def refused(
        self, why: Refused, *, status: int | None = None, headers: Mapping[str, str] = {}
    ) -> Reply:
        """Return the answer that says no."""
        return refusal(why, self.codes, product=self.name, status=status, headers=headers)


def guarded(
    world: World,
    product: Product,
    operation: str,
    perform: _Perform,
    *,
    address: str = "",
    text: str = "",
) -> Reply:
    """Return the answer to a request, unless a fault strikes it."""

    def performed() -> Reply:
        try:
            return perform()
        except Refused as refused:
            return product.refused(refused)

    fault = world.faults.pick(
        REQUEST_KINDS, product.provider, operation, address=address, text=text
    )
    return world.faults.around(fault, performed, lambda fault: _refuse(product, fault))


def _refuse(product: Product, fault: Fault) -> Reply:
    if fault.kind == "token_revoked":
        return product.refused(Refused(190, "The token was revoked.", subcode=REVOKED))
    if fault.kind == "rate_limit":
        return _throttled(product, fault)
    known = fault.code is not None and "status" not in fault.model_fields_set
    why = _coded(product, _code(product, fault), "The sandbox was told to refuse.")
    reply = product.refused(why, status=None if known else fault.status)
    return Reply(reply.status, fault.words(reply.body.decode()).encode())


def _code(product: Product, fault: Fault) -> int:
    if fault.code is not None:
        return fault.code
    if fault.status == _TOO_MANY:
        return product.throttled
    return _BY_STATUS.get(fault.status, product.unknown)


def _coded(product: Product, code: int, details: str) -> Refused:
    if code in product.subcodes:
        return Refused(product.subcodes[code], details, subcode=code)
    return Refused(code, details)


def _throttled(product: Product, fault: Fault) -> Reply:
    code = product.throttled if fault.code is None else fault.code
    headers = {}
    if code in product.account_limits:
        # Meta counts in minutes.
        minutes = -(-fault.retry_after // 60)
        use = {
            "type": product.provider,
            "call_count": 100,
            "estimated_time_to_regain_access": minutes,
        }
        headers["X-Business-Use-Case-Usage"] = json.dumps({"900800700600500": [use]})
    details = "Message failed to send because there were too many messages."
    return product.refused(_coded(product, code, details), headers=headers)
