"""Say what a letter means to the hub: a message, or the fate of one that we sent."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from hubbub.sdk import (
    Answers,
    Correspondent,
    Email,
    Event,
    Fault,
    Ignored,
    Media,
    MessageReceived,
    ReceiptReceived,
    ReceiptState,
    Sender,
    Unreadable,
)
from hubbub_email import tokens
from hubbub_email.addresses import Mailbox
from hubbub_email.automation import Kind
from hubbub_email.letter import Letter
from hubbub_email.reports import Report, Said, Verdict
from hubbub_email.tokens import Purpose

#: Of those to whom a letter goes, and of those who get copies, that so many are told.
MOST_NAMED: Final = 100

#: RFC 3463: the address itself is wrong, and will stay so.
_GONE: Final = re.compile(r"5\.1\.(?:1|2|3|6|10)\Z")
_STATES: Final = {
    Said.DELIVERED: ReceiptState.DELIVERED,
    Said.READ: ReceiptState.READ,
}
_ELSEWHERE: Final = "[Its writer asks for answers at {address}.]"
_SEALED: Final = (
    "This letter is encrypted: only its recipient's own program can open the attached file."
)
_TRUNCATED: Final = (
    "[The letter is too large: of its {size} MB only the beginning is here. "
    "The whole is in the folder {folder} of the mailbox.]"
)


@dataclass(frozen=True, kw_only=True)
class Account:
    """The mailbox that a letter was found in, as far as reading it must know."""

    #: In lower case.
    address: str
    #: Of the MACs in what we sent.
    key: bytes = field(repr=False)


def events_of(letter: Letter, account: Account) -> Iterator[Event]:
    """Yield what ``letter`` means."""
    if letter.empty:
        yield Unreadable(reason="There is nothing in the letter.")
    elif _is_from_here(letter, account) and (ours := _by_hub(letter, account.key)):
        yield _came_back(letter, account, ours)
    elif letter.report and (reference := _reported(letter, letter.report, account.key)):
        for number, verdict in enumerate(letter.report.verdicts):
            yield _outcome(letter, verdict, reference, f"{letter.dedupe_key}:{number}")
        if letter.report.guessed:
            # It may be a person who writes of a letter that came back.
            yield _message(letter, account)
    else:
        yield _message(letter, account)


def thread_of(letter: Letter, key: bytes) -> Answers:
    """Return what ``letter`` belongs to. Its subject says nothing: everybody writes "Order"."""
    answered = tuple(dict.fromkeys((*letter.in_reply_to, *reversed(letter.references))))
    conversations = (
        proof.id
        for proof in tokens.of_addresses(letter.sent_to, key)
        if proof.purpose is Purpose.CONVERSATION
    )
    return Answers(
        conversation_id=next(conversations, None),
        references=tuple(proof.id for proof in tokens.of_message_ids(answered, key)),
        external_ids=answered,
    )


def contact_of(letter: Letter, account: Account) -> Mailbox:
    """Return who wrote it, and is to be answered.

    That is nobody else whom the letter names: else anybody could speak for others, and have our
    answers sent to them. Only what comes from our own address, as web forms write, is from nobody
    here, and names its writer in that way.
    """
    if letter.sender is None:
        # It must be shown, and cannot be answered: no such address exists (RFC 2606).
        digest = hashlib.sha256(letter.sender_text.encode()).hexdigest()[:12]
        return Mailbox(f"unreadable-{digest}@sender.invalid", letter.sender_text[:200])
    if _is_from_here(letter, account) and len(letter.reply_to) == 1:
        return letter.reply_to[0]
    return letter.sender


def _is_from_here(letter: Letter, account: Account) -> bool:
    return letter.sender is not None and letter.sender.address == account.address


# --- messages --------------------------------------------------------------------------------


def _message(letter: Letter, account: Account) -> MessageReceived:
    contact, key = contact_of(letter, account), account.key
    # Who has no address here proves nothing by one of ours, nor who they are.
    from_here = _is_from_here(letter, account)
    answers = Answers() if from_here else thread_of(letter, key)
    why = _not_routed(letter, account)
    if letter.doubt or from_here:
        answers = replace(answers, doubted=True)
    return MessageReceived(
        key=letter.dedupe_key,
        sender=Sender(address=contact.address, name=contact.name or None),
        content=_content(letter, account),
        external_id=letter.message_id or None,
        provider_at=letter.date,
        reply_to_external_id=_answered(answers, key),
        not_routed=why,
        quiet=_is_quiet(letter, answers, key),
        historical=letter.arrival.historical,
        answers=answers,
    )


def _content(letter: Letter, account: Account) -> Email:
    notes = _notes(letter)
    text = "\n\n".join(filter(None, (letter.text, *notes)))
    shown = "\n\n".join(filter(None, (letter.visible, *notes)))
    return Email(
        subject=letter.subject,
        text=text,
        visible=None if shown == text else shown,
        html=letter.html,
        to=_correspondents(letter.to, account),
        cc=_correspondents(letter.cc, account),
        doubt=letter.doubt or None,
        automatic=letter.sign.reason if letter.sign and letter.sign.by_program else None,
        attachments=tuple(
            Media(
                mime_type=file.mime_type,
                filename=file.name,
                size=file.size,
                ref=file.place,
                cid=file.cid or None,
            )
            for file in letter.files
        ),
    )


def _correspondents(boxes: Sequence[Mailbox], account: Account) -> tuple[Correspondent, ...]:
    """Return whom a letter names; where that is us, without the tokens in our address."""
    plain = {_without_token(box.address, account): box.name for box in reversed(boxes[:MOST_NAMED])}
    return tuple(
        Correspondent(address=address, name=name or None)
        for address, name in reversed(plain.items())
    )


def _without_token(address: str, account: Account) -> str:
    """Return the address; a token in it lets its bearer write into a conversation."""
    return account.address if any(tokens.of_addresses([address], account.key)) else address


def _notes(letter: Letter) -> list[str]:
    """Return what is to be said of a letter beside its own words."""
    notes = [_SEALED] if letter.sealed else [invite.line() for invite in letter.invites]
    notes += [f"[{why}]" for why in letter.unshown]
    elsewhere = [box.address for box in letter.reply_to if box != letter.sender]
    if elsewhere and letter.sender and letter.sender.address not in elsewhere:
        notes.append(_ELSEWHERE.format(address=elsewhere[0]))
    if letter.arrival.truncated:
        size = max(1, round(letter.arrival.size / 1_000_000))
        notes.append(_TRUNCATED.format(size=size, folder=letter.arrival.folder))
    return notes


def _answered(answers: Answers, key: bytes) -> str | None:
    """Return the Message-ID that is answered: one of ours where there is one."""
    ours = (one for one in answers.external_ids if any(tokens.of_message_ids([one], key)))
    return next(ours, next(iter(answers.external_ids), None))


def _came_back(letter: Letter, account: Account, reference: str) -> Event:
    """Return what it means that we find one of our own: what we wrote to ourselves has arrived."""
    if account.address in letter.sent_to:
        return _receipt(letter, ReceiptState.DELIVERED, reference, letter.dedupe_key)
    return Ignored(reason="It is one of ours that came back.", key=letter.dedupe_key)


def _by_hub(letter: Letter, key: bytes) -> str | None:
    """Return the delivery of which the hub wrote ``letter``; None where it did not."""
    proof = next(tokens.of_message_ids([letter.message_id], key), None)
    return proof.id if proof else tokens.opened(Purpose.DELIVERY, letter.hubbub_id, key)


def _not_routed(letter: Letter, account: Account) -> str:
    if letter.sender is None:
        return "Who wrote it cannot be read."
    if _by_hub(letter, account.key):
        return "This hub wrote it, and somebody sent it back."
    if _is_from_here(letter, account):
        return "It comes from this mailbox's own address, as web forms write."
    if letter.doubt:
        return letter.doubt
    if letter.sign:
        return letter.sign.reason
    return "It was in the mailbox before the hub was." if letter.arrival.historical else ""


def _is_quiet(letter: Letter, answers: Answers, key: bytes) -> bool:
    """Whether people need not look at a letter at once.

    A list or a program may say what counts, such as that an order came. But a program that answers
    what we wrote says that somebody is away, or that the letter came in.
    """
    kind = letter.sign.kind if letter.sign else None
    away = kind is Kind.REPLY and bool(answers.references or answers.conversation_id)
    unwanted = away or kind in {Kind.REPORT, Kind.SPAM}
    return unwanted or letter.arrival.historical or _by_hub(letter, key) is not None


# --- the fate of what we sent ----------------------------------------------------------------


def _reported(letter: Letter, report: Report, key: bytes) -> str | None:
    """Return the delivery that a report is about, if it proves that; anybody can write a report."""
    bounced = (
        proof
        for proof in tokens.of_addresses(letter.sent_to, key)
        if proof.purpose is Purpose.BOUNCE
    )
    # Who answers us may be a person.
    guessed = report.guessed
    answered = () if guessed else (*letter.in_reply_to, *reversed(letter.references))
    for proofs in (
        bounced,
        tokens.of_message_ids(report.about, key),
        tokens.of_message_ids(answered, key),
        tokens.of_text(letter.text, key),
    ):
        if proof := next(proofs, None):
            return proof.id
    return None


def _outcome(letter: Letter, verdict: Verdict, reference: str, key: str) -> Event:
    match verdict.said:
        case Said.DELAYED:
            return Ignored(reason=f"Delivery is delayed: {verdict.detail or '?'}"[:300], key=key)
        case Said.PASSED_ON:
            # Whether it arrives, nobody will say (RFC 3464, 2.3.3).
            return Ignored(reason="It was passed on to a server that sends no reports.", key=key)
        case Said.COMPLAINT:
            # Their provider has it, and may complain of itself: that proves no mailbox.
            return _receipt(letter, ReceiptState.SENT, reference, key, _complaint(verdict))
        case Said.FAILED:
            return _receipt(letter, ReceiptState.FAILED, reference, key, _fault(verdict))
    return _receipt(letter, _STATES[verdict.said], reference, key)


def _receipt(
    letter: Letter, state: ReceiptState, reference: str, key: str, fault: Fault | None = None
) -> ReceiptReceived:
    return ReceiptReceived(
        key=key,
        state=state,
        reference=reference,
        provider_at=letter.date,
        fault=fault,
    )


def _complaint(verdict: Verdict) -> Fault:
    detail = verdict.detail or "They complained about it."
    return Fault(code="complaint", detail=detail, recipient="no_marketing")


def _fault(verdict: Verdict) -> Fault:
    gone = _is_gone(verdict)
    return Fault(
        code="recipient_gone" if gone else "bounced",
        detail=verdict.detail or "The letter came back.",
        provider_code=verdict.status or None,
        recipient="gone" if gone else None,
        # It need not be the one that we wrote to: that may have passed it on.
        address=verdict.recipient or None,
    )


def _is_gone(verdict: Verdict) -> bool:
    return _GONE.match(verdict.status) is not None
