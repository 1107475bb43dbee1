"""Be the network: carry the hub's messages, report on them, bring texts of customers."""

import itertools
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

from pydantic import BaseModel, ConfigDict, Field

from hubbub.sandbox.faults import RECEIPT_KINDS
from hubbub.sandbox.journal import Called, Sent
from hubbub.sandbox.smsc import wire
from hubbub.sandbox.smsc.state import Account, Sms, Smsc
from hubbub.sandbox.smsc.wire import Message
from hubbub.sandbox.world import NoSuchThing
from hubbub.sandbox.wsgi import Json

Status: TypeAlias = Literal["enroute", "delivered", "expired", "undeliverable", "rejected"]
STATUSES: Final[tuple[str, ...]] = get_args(Status)
#: The word of a receipt, and the number of ``message_state``.
_STATES: Final[Mapping[str, tuple[str, int]]] = {
    "enroute": ("ENROUTE", 1),
    "delivered": ("DELIVRD", 2),
    "expired": ("EXPIRED", 3),
    "undeliverable": ("UNDELIV", 5),
    "rejected": ("REJECTD", 8),
}
_BAD: Final = frozenset({"expired", "undeliverable", "rejected"})
#: How often what the hub does not confirm is sent again, and how long an answer is awaited.
_REPEATS: Final = 20
_TIMEOUT: Final = 10.0
#: Seconds between two looks whether the hub is bound.
_LOOK: Final = 0.1
#: Octets of a text in one segment, behind a header of six.
_SEGMENT: Final = {0: (160, 153), wire.UCS2: (140, 134)}
_references: Final = itertools.count(1)


class Texting(BaseModel):
    """A text of a customer."""

    model_config = ConfigDict(extra="forbid")

    sender: str = Field(alias="from", min_length=1)
    to: str
    text: str


class Telling(BaseModel):
    """A receipt made by hand, whatever was told before."""

    model_config = ConfigDict(extra="forbid")

    id: str
    status: Status


def accept(smsc: Smsc, account: Account, sent: Message) -> str:
    """Take a segment of the hub's; carry its message once it is whole. Return the id."""
    message_id = smsc.new_id()
    reference, total, place = wire.part_of(sent)
    key = (sent.source, sent.dest, reference, total)
    with smsc.world.lock:
        known = account.segments.setdefault(key, {})
        known[place] = (message_id, sent)
        if len(known) < total:
            return message_id
        del account.segments[key]
    _take(smsc, account, [known[one] for one in sorted(known)])
    return message_id


def bring(smsc: Smsc, account: Account, texting: Texting) -> Json:
    """Bring a text of a customer to the hub, in as many segments as it takes."""
    sms = Sms(
        id=smsc.new_id(),
        customer=texting.sender,
        number=texting.to,
        text=texting.text,
        mine=True,
        at=time.time(),
        status="waiting for the hub",
    )
    with smsc.world.lock:
        account.messages[sms.id] = sms
    for message in _segments(texting):
        _put(
            smsc,
            _Delivery(account=account, sms=sms, message=message, kind="message", key=sms.id),
        )
    return {"id": sms.id, "queued": account.receiver() is not None}


def tell(smsc: Smsc, account: Account, telling: Telling) -> Json:
    """Report what became of a message; `NoSuchThing`."""
    sms = account.messages.get(telling.id)
    if sms is None or sms.mine:
        raise NoSuchThing(f"The hub sent no message {telling.id}.")
    _report(smsc, account, sms, telling.status)
    return {"id": sms.id, "status": sms.status}


def _take(smsc: Smsc, account: Account, parts: list[tuple[str, Message]]) -> None:
    message_id, last = parts[-1]
    ours = f"+{last.source}" if last.types[0] == 1 else last.source
    sms = Sms(
        id=message_id,
        customer=f"+{last.dest}",
        number=ours,
        text=wire.words([sent for _, sent in parts]),
        mine=False,
        at=time.time(),
        status="accepted by the centre",
        registered=tuple(one for one, sent in parts if sent.registered & 1),
    )
    with smsc.world.lock:
        account.messages[sms.id] = sms
        if ours not in account.numbers:
            account.numbers.append(ours)
    smsc.world.sent.add(
        Sent(
            provider="smsc",
            endpoint=account.system_id,
            operation="submit_sm",
            kind="message",
            address=sms.customer,
            external_id=sms.id,
            text=sms.text,
            params={"segments": len(parts), "data_coding": last.data_coding},
        )
    )
    _carry(smsc, account, sms)


def _carry(smsc: Smsc, account: Account, sms: Sms) -> None:
    """Let a message reach the phone in its own time."""
    rules = smsc.world.rules
    if not rules.smsc_receipts:
        return
    fault = smsc.world.faults.pick(
        RECEIPT_KINDS,
        "smsc",
        "webhook",
        "receipt",
        "submit_sm",
        address=sms.customer,
        text=sms.text,
    )
    steps = ["enroute", "delivered"]
    if fault is not None:
        steps = ["enroute", "undeliverable"] if fault.kind == "undelivered" else steps[::-1]
    delays = (rules.smsc_sent_after, max(rules.smsc_sent_after, rules.smsc_delivered_after))
    for status, delay in zip(steps, delays, strict=True):

        def step(status: str = status) -> None:
            _report(smsc, account, sms, status)

        smsc.world.lanes.put(("smsc", sms.id), step, delay=delay)


def _report(smsc: Smsc, account: Account, sms: Sms, status: str) -> None:
    with smsc.world.lock:
        sms.status, sms.problem = status, status in _BAD
    # The network knows segments, and no messages.
    for message_id in sms.registered:
        message = _receipt(account, sms, message_id, status)
        key = f"{message_id}:{status}"
        _put(smsc, _Delivery(account=account, sms=sms, message=message, kind="status", key=key))


def _receipt(account: Account, sms: Sms, message_id: str, status: str) -> Message:
    word, number = _STATES[status]
    told = str(int(message_id, 16)) if account.decimal_receipts else message_id
    when = time.strftime("%y%m%d%H%M", time.gmtime())
    error = "001" if status in _BAD else "000"
    text = (
        f"id:{told} sub:001 dlvrd:001 submit date:{when} done date:{when} stat:{word} err:{error} "
        f"text:{sms.text[:20].encode('ascii', 'replace').decode()}"
    )
    return Message(
        source=sms.customer.removeprefix("+"),
        dest=sms.number.removeprefix("+"),
        esm_class=wire.RECEIPT,
        text=text.encode(),
        extras={
            wire.RECEIPTED_MESSAGE_ID: told.encode() + b"\0",
            wire.MESSAGE_STATE: bytes((number,)),
        },
    )


def _segments(texting: Texting) -> list[Message]:
    coding, octets = wire.spelled(texting.text)
    international = texting.to.startswith("+")
    pattern = Message(
        source=texting.sender.removeprefix("+"),
        dest=texting.to.removeprefix("+"),
        data_coding=coding,
        text=octets,
        types=(1, 1, 1, 1) if international else (1, 1, 3, 0),
    )
    single, part = _SEGMENT[coding]
    if len(octets) <= single:
        return [pattern]
    # As networks do, with no regard for what is cut in two.
    pieces = [octets[at : at + part] for at in range(0, len(octets), part)]
    head = b"\x05\x00\x03" + bytes((next(_references) & 0xFF, len(pieces)))
    return [
        Message(
            source=pattern.source,
            dest=pattern.dest,
            esm_class=wire.UDHI,
            data_coding=coding,
            text=head + bytes((place,)) + piece,
            types=pattern.types,
        )
        for place, piece in enumerate(pieces, 1)
    ]


@dataclass(frozen=True, kw_only=True)
class _Delivery:
    """A ``deliver_sm`` on its way to the hub."""

    account: Account
    sms: Sms
    message: Message
    kind: Literal["message", "status"]
    key: str

    @property
    def operations(self) -> tuple[str, ...]:
        """The names under which a fault may befall it."""
        return ("webhook", "receipt") if self.kind == "status" else ("webhook",)


def _put(smsc: Smsc, delivery: _Delivery) -> None:
    """Queue a ``deliver_sm``: it is sent again until the hub confirms it."""
    world, sms = smsc.world, delivery.sms
    fault = world.faults.pick(
        frozenset({"drop_before", "duplicate_webhooks"}),
        "smsc",
        *delivery.operations,
        address=sms.customer,
        text=sms.text,
    )
    if fault is not None and fault.kind == "drop_before":
        return
    attempts = itertools.count(1)

    def job() -> float | None:
        again = _again(smsc, delivery, attempts)
        if again is None:
            with world.lock:
                delivery.account.waiting -= 1
        return again

    lane = (f"smsc-{delivery.kind}", delivery.account.system_id, sms.customer)
    for _ in range(1 if fault is None else 2):
        with world.lock:
            delivery.account.waiting += 1
        world.lanes.put(lane, job)


def _again(smsc: Smsc, delivery: _Delivery, attempts: Iterator[int]) -> float | None:
    """Try once; return the seconds until the next time, None when there is to be none."""
    if delivery.account.receiver() is None:
        # A centre keeps what it has until somebody binds.
        known = smsc.accounts.get(delivery.account.system_id) is delivery.account
        return _LOOK if known else None
    attempt = next(attempts)
    if _confirmed(smsc, delivery, attempt) or attempt > _REPEATS:
        return None
    return smsc.world.config.retry_base


def _confirmed(smsc: Smsc, delivery: _Delivery, attempt: int) -> bool:
    """Send it, and say whether the hub has it."""
    bound, began = delivery.account.receiver(), time.monotonic()
    status = None
    if bound is not None:
        status = bound.deliver(wire.DELIVER_SM, delivery.message.body(), _TIMEOUT)
    smsc.world.calls.add(
        Called(
            provider="smsc",
            endpoint=delivery.account.system_id,
            kind=delivery.kind,
            key=delivery.key,
            attempt=attempt,
            url="deliver_sm",
            body=wire.words([delivery.message]),
            status=status,
            error="" if bound is not None else "nobody is bound",
            duration_ms=round((time.monotonic() - began) * 1000, 1),
        )
    )
    if status == 0 and delivery.kind == "message":
        delivery.sms.status = "the hub has it"
    return status == 0
