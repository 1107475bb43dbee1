"""Decide what may be sent to whom now: the one gate, at which all are judged alike. Pure.

It is asked when a message is taken, and again when its parts are about to go: between the two may
lie days, in which a contact says stop.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from hubbub.deliver.rules import Refused, by_person, by_program
from hubbub.deliver.templates import check_template, why_not
from hubbub.directory import Line
from hubbub.plugins import Plugins
from hubbub.sdk.content import ATTACHMENT_TYPES, Content, Template
from hubbub.sdk.screening import Outgoing, Refuse
from hubbub.store.templates import KnownTemplate
from hubbub.store.threads import Thread

#: The category of templates that people may refuse while they take others.
_MARKETING: Final = "MARKETING"
_STOPPED: Final = "The contact stopped messages that go to many."
#: The kinds that can be put in words where they are not native: of a file, a link to it.
_FITTED: Final = ATTACHMENT_TYPES | {"text", "choices", "location", "contacts", "email"}
#: How long a part that waits may outlive the window in which it was to go: what is tried again
#: after seconds is not late, and the provider counts by a clock of its own.
_FORGIVEN: Final = timedelta(minutes=15)


class Recipient(NamedTuple):
    """What is known of who is written to."""

    state: str
    marketing: bool
    blocked: bool
    last_inbound_at: datetime | None

    @classmethod
    def of(cls, thread: Thread) -> "Recipient":
        """Return it for the contact of a conversation."""
        who = thread.addressee
        return cls(who.state, who.marketing, who.blocked, thread.last_inbound_at)


@dataclass(frozen=True, kw_only=True)
class Sendable:
    """What may be sent to a conversation now, until when, and why not the rest."""

    kinds: tuple[str, ...] = ()
    reasons: Mapping[str, str]
    until: datetime | None = None
    #: Those that may be sent, where the kind ``template`` may; and why not the others.
    templates: tuple[KnownTemplate, ...] = ()
    withheld: tuple[tuple[KnownTemplate, str], ...] = ()
    #: Why what goes to many may not be sent, where the contact stopped that; else empty.
    stopped: str = ""


def sendable(line: Line, thread: Thread, now: datetime, *, author: str) -> Sendable:
    """Say what ``author`` may send to ``thread`` now, whoever that is."""
    can = line.hooks.capabilities
    every = sorted(_FITTED | can.outbound)
    who = Recipient.of(thread)
    stopped = "" if who.marketing else _STOPPED
    refusal = _switched_off(line) or _refusal(line, who)
    if refusal is not None:
        return Sendable(reasons=dict.fromkeys(every, str(refusal)), stopped=stopped)
    until, shut = _window(line, who, now, author)
    reasons = {kind: shut for kind in every if shut and kind != "template"}
    judged = [
        (template, why_not(template) or _unwanted(who, template))
        for template in line.templates.values()
    ]
    templates = tuple(template for template, why in judged if not why)
    if judged and not templates:
        reasons["template"] = "None of the channel's templates may be sent."
    return Sendable(
        kinds=tuple(kind for kind in every if kind not in reasons),
        reasons=reasons,
        until=until,
        templates=templates,
        withheld=tuple((template, why) for template, why in judged if why),
        stopped=stopped,
    )


def window_closes(line: Line, last_inbound_at: datetime | None) -> datetime | None:
    """Return when a person's free words end, or have ended; None where nothing ends them.

    Nor does anything where the contact has never written: then they have not begun.
    """
    window = line.hooks.window(line.connection, by_person=True)
    return last_inbound_at + window if window and last_inbound_at else None


def check_sendable(
    line: Line,
    thread: Thread,
    content: Content,
    now: datetime,
    *,
    author: str,
    bulk: bool = False,
) -> None:
    """Raise `Refused` when ``author`` may not send ``content`` to ``thread`` now.

    Raises `Invalid` for a template that may not be sent at all, or not like this.
    """
    if (refusal := _switched_off(line)) is not None:
        raise refusal
    _check_ceilings(line, thread, author)
    _check(line, Recipient.of(thread), content, now, author, bulk=bulk)
    if content.type == "reaction" and content.type not in line.hooks.capabilities.outbound:
        raise Refused("This channel carries no reactions.", code="unsupported")


def check_still_sendable(
    line: Line,
    who: Recipient,
    content: Content,
    *,
    author: str,
    bulk: bool,
    meant_for: datetime,
    now: datetime,
) -> None:
    """Raise like `check_sendable` when what was let in may not go any more.

    It was to go at ``meant_for``. Neither a channel that is switched off nor a ceiling is asked
    about: the one only lets it wait, and by the other it has been counted already.
    """
    _check(line, who, content, max(meant_for, now - _FORGIVEN), author, bulk=bulk)


def admit(
    plugins: Plugins,
    line: Line,
    thread: Thread,
    content: Content,
    *,
    author: str,
    now: datetime,
    bulk: bool = False,
) -> str | None:
    """Let ``content`` through the gate: return None, or why it is held for a person.

    Raises `Refused`, or `Invalid`, when it may not be sent.
    """
    check_sendable(line, thread, content, now, author=author, bulk=bulk)
    if not plugins.outbound:
        return None
    screened = plugins.outbound.ask(
        Outgoing(
            channel_id=line.id,
            channel_type=line.type,
            channel_name=line.name,
            conversation_id=thread.conversation_id,
            address=thread.address,
            content=content,
            author=author,
            now=now,
        )
    )
    if screened is None:
        return None
    if isinstance(screened.verdict, Refuse):
        raise Refused(f"Refused by {screened.plugin}: {screened.verdict.reason}", code="screened")
    return f"Held by {screened.plugin}: {screened.verdict.reason}"


def past_window(
    line: Line, author: str | None, last_inbound_at: datetime | None, now: datetime
) -> bool:
    """Whether ``author`` may still write where a program may no longer (`Part.past_window`)."""
    window = line.hooks.capabilities.window
    if window is None or last_inbound_at is None or not by_person(author):
        return False
    longer = line.hooks.window(line.connection, by_person=True)
    return longer is not None and last_inbound_at + window <= now < last_inbound_at + longer


def _check(
    line: Line, who: Recipient, content: Content, now: datetime, author: str, *, bulk: bool
) -> None:
    refusal = _refusal(line, who)
    if refusal is not None:
        raise refusal
    if bulk and not who.marketing:
        raise Refused(_STOPPED, code="marketing-opt-out")
    as_template = content.type == "template" and "template" in line.hooks.capabilities.outbound
    if not as_template:
        _, shut = _window(line, who, now, author)
        if shut:
            # The window is shut, also to what would only be fitted into an allowed kind.
            raise Refused(shut, code="window-closed")
    if isinstance(content, Template):
        check_template(line.templates, content)
        _check_wanted(line, who, content)


def _check_ceilings(line: Line, thread: Thread, author: str) -> None:
    ceilings, traffic = line.hooks.capabilities.ceilings, thread.addressee.traffic
    if ceilings is None or traffic is None or not by_program(author):
        return
    if thread.last_inbound_at is None:
        return  # it answers nobody
    here, everywhere = traffic.automatic[thread.conversation_id], traffic.automatic.total()
    if here >= ceilings.conversation or everywhere >= ceilings.address:
        hours = ceilings.per // timedelta(hours=1)
        raise Refused(
            f"Within {hours} hours {here} automatic answers went out in this conversation and "
            f"{everywhere} to this address; a program may be answering them.",
            code="too-many-automatic",
        )
    if not (here or traffic.known) and len(traffic.answered) >= ceilings.conversations:
        minutes = ceilings.lately // timedelta(minutes=1)
        raise Refused(
            f"Within {minutes} minutes automatic answers went out in {len(traffic.answered)} "
            "conversations of this channel; a program may be writing under many addresses.",
            code="too-many-automatic",
        )


def _check_wanted(line: Line, who: Recipient, content: Template) -> None:
    known = line.templates.get((content.name, content.language))
    why = _unwanted(who, known) if known else ""
    if why:
        raise Refused(why, code="marketing-opt-out")


def _unwanted(who: Recipient, template: KnownTemplate) -> str:
    """Return why the contact does not want ``template``; empty where that is not known."""
    if who.marketing or template.category.upper() != _MARKETING:
        return ""
    return "The contact stopped marketing messages: other templates may be sent."


def _switched_off(line: Line) -> Refused | None:
    if line.enabled:
        return None
    return Refused("The channel is switched off.", code="channel-disabled")


def _refusal(line: Line, who: Recipient) -> Refused | None:
    if who.blocked:
        return Refused("The contact is blocked here.", code="contact-blocked")
    if who.state == "opted_out":
        return Refused("The contact asked not to be written to.", code="opted-out")
    if who.state == "blocked":
        return Refused(_unreached(who), code="recipient-blocked")
    if who.state == "gone":
        return Refused("The address no longer exists.", code="recipient-gone")
    if not line.hooks.capabilities.initiates and who.last_inbound_at is None:
        return Refused("On this channel the contact has to write first.", code="cannot-initiate")
    return None


def _unreached(who: Recipient) -> str:
    if who.last_inbound_at is None:
        return "The contact blocked this channel, or never wrote to it."
    return (
        "The provider says that the contact cannot be reached: they blocked this channel, or their "
        "account is gone. Once they write again, they can be answered."
    )


def _window(line: Line, who: Recipient, now: datetime, author: str) -> tuple[datetime | None, str]:
    """Return until when all may be sent, and why that time is over, where it is."""
    window = line.hooks.window(line.connection, by_person=by_person(author))
    if window is None:
        return None, ""
    closes = who.last_inbound_at and who.last_inbound_at + window
    if closes and closes > now:
        return closes, ""
    left = "only templates" if "template" in line.hooks.capabilities.outbound else "nothing"
    if who.last_inbound_at is None:
        return None, f"The contact has never written: {left} may be sent until they do."
    return None, f"The contact wrote too long ago: {left} may be sent until they write again."
