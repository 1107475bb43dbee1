"""Build the page on which the rules of a channel are put in order, tried and saved."""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo, available_timezones

from hubbub.connect import queries as channel_queries
from hubbub.connect.drafts import Draft, draft_of
from hubbub.connect.dryrun import DAYS, find_heard, subject_of
from hubbub.connect.hidden import hidden
from hubbub.connect.routes import conflict_key, current_routes, faults_of, faults_of_destination
from hubbub.connect.versions import find_version, names_of
from hubbub.connect.work import find_channel
from hubbub.hub import Hub
from hubbub.people.errors import Complaint, Invalid, NotFound
from hubbub.people.rules import Person
from hubbub.plugins import Plugins
from hubbub.route import Subject
from hubbub.route.conditions import INBOUND_TYPES
from hubbub.route.conflicts import Conflict, find_conflicts
from hubbub.route.rules import INBOX, Decision, Looked, RouteSet, decide, read_route_set
from hubbub.route.specimens import content_of
from hubbub.route.telling import asks, changes
from hubbub.sdk.content import from_json, preview
from hubbub.sdk.errors import HubError
from hubbub.store.session import reading
from hubbub.ui import queries, words
from hubbub.ui.conditions import zone_of

#: Messages to pick one from.
_RECENT: Final = 20
_KINDS: Final = {
    "duplicate": "match the same messages",
    "overlap": "can match the same message and send it to different places",
    "shadowed": "the first takes everything that the second is for",
    "unreachable": "the last one never gets a message",
}


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A rule as a sentence: what it asks, and where it leads."""

    asks: str
    to: str


@dataclass(frozen=True, kw_only=True)
class Clash:
    """Rules that get in each other's way."""

    key: str
    text: str
    example: str
    #: The rules' ids and names.
    rules: tuple[tuple[str, str], ...]
    #: Whether somebody has said that it is meant.
    accepted: bool


@dataclass(frozen=True, kw_only=True)
class Step:
    """What became of one rule for a message: matched, passed, off, unasked or unfinished."""

    state: str
    said: str
    conditions: tuple[Looked, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RuleRow:
    """One rule in the list."""

    id: str
    number: int
    name: str
    reading: Reading
    enabled: bool
    #: What keeps it from being saved.
    faults: tuple[str, ...]
    clashes: tuple[Clash, ...]
    step: Step | None


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What somebody wants explained: what they typed, or a message that came in."""

    kind: str = "text"
    text: str = ""
    sender: str = ""
    at: str = ""
    zone: str = "UTC"
    first: bool = False
    message_id: str = ""


@dataclass(frozen=True, kw_only=True)
class Explained:
    """Where the draft sends a message."""

    said: str
    to: str
    by: str
    #: Where the rules in force send it, if elsewhere.
    today: str
    message_id: str


@dataclass(frozen=True, kw_only=True)
class Heard:
    """A message of late."""

    id: str
    sender: str
    text: str
    ago: str


@dataclass(frozen=True, kw_only=True)
class Saved:
    """A version of the rules, and who saved it when."""

    version: int
    by: str
    ago: str
    at: str


@dataclass(frozen=True, kw_only=True)
class Overtaking:
    """What somebody else saved after the draft was begun."""

    base: int
    saved: Saved
    changed: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class RoutingPage:
    """Everything about the rules of a channel."""

    channel_id: str
    channel: str
    saved: Saved
    rules: tuple[RuleRow, ...]
    fallback: Reading
    fallback_faults: tuple[str, ...]
    fallback_step: Step | None
    #: How the draft differs from the routes in force.
    changed: tuple[str, ...]
    #: What "Undo" takes back; empty: nothing.
    undo: str
    overtaken: Overtaking | None
    clashes: tuple[Clash, ...]
    asked: Asked
    explained: Explained | None
    kinds: tuple[str, ...]
    zones: tuple[str, ...]
    recent: tuple[Heard, ...]
    days: int
    written: str
    problems: tuple[str, ...]
    #: Which form the problems are about: "save", "json" or "explain".
    wrong: str
    at: str
    told: str


@dataclass(frozen=True, kw_only=True)
class Tried:
    """What somebody just tried, what they typed for it, and how it ended."""

    what: str = ""
    error: HubError | None = None
    accepted: Collection[str] = ()
    asked: Asked | None = None
    written: str | None = None
    at: str = ""
    #: What was done before, in a word, and the rule to which.
    did: str = ""
    rule_id: str = ""


@dataclass(frozen=True, kw_only=True)
class Sound:
    """The part of a draft that can be used, and what is wrong with the rest."""

    routes: RouteSet
    faults: Mapping[str, tuple[Complaint, ...]]
    fallback_faults: tuple[Complaint, ...] = field(default=())


def sound_part(plugins: Plugins, draft: Draft) -> Sound:
    """Return the rules of a draft that could be saved as they are."""
    faults = {rule["id"]: faults_of(plugins, rule) for rule in draft.rules}
    rules = [rule for rule in draft.rules if not faults[rule["id"]]]
    fallback_faults = faults_of_destination(plugins, draft.fallback, "fallback")
    fallback = INBOX.as_json() if fallback_faults else draft.fallback
    routes = read_route_set(draft.base, rules, fallback, kinds=plugins.conditions)
    return Sound(routes=routes, faults=faults, fallback_faults=fallback_faults)


def routing_page(hub: Hub, channel_id: str, person: Person, tried: Tried) -> RoutingPage:
    """Return the page of a channel's rules. Raises `NotFound`."""
    channel = find_channel(hub, channel_id)
    current, draft = current_routes(hub, channel_id), draft_of(hub, channel_id, person)
    sound = sound_part(hub.plugins, draft)
    clashes = tuple(_clashes(sound.routes, current, tried.accepted))
    asked = tried.asked or Asked(zone=zone_of(draft.rules))
    state = _State(draft, sound.routes, current)
    steps, explained, problem = _explain(hub, channel_id, state, tried.asked)
    with reading(hub.engine) as db:
        names = queries.names(db)
        recent = channel_queries.heard(
            db, channel_id, since=hub.now() - timedelta(days=DAYS), before=None, limit=_RECENT
        )
    problems = [*_problems(draft, tried), *problem]
    return RoutingPage(
        channel_id=channel_id,
        channel=channel.name,
        saved=_saved(hub, channel_id, current.version, names),
        rules=tuple(_rows(hub, draft, sound, clashes, steps)),
        fallback=Reading(asks="Everything else", to=_to(hub.plugins, draft.fallback)),
        fallback_faults=tuple(one.message for one in sound.fallback_faults),
        fallback_step=steps.get(""),
        changed=_changed(hub, current, draft, sound),
        undo=draft.past[-1].did if draft.past else "",
        overtaken=_overtaken(hub, channel_id, draft, current, names),
        clashes=clashes,
        asked=asked,
        explained=explained,
        kinds=INBOUND_TYPES,
        zones=tuple(sorted(available_timezones())),
        recent=tuple(
            Heard(
                id=row.id,
                sender=row.sender_name or row.sender_address,
                text=preview(from_json(row.content), limit=60),
                ago=words.ago(row.created_at, hub.now()),
            )
            for row in recent
        ),
        days=DAYS,
        written=tried.written or _written(hub.plugins, draft),
        problems=tuple(problems),
        wrong="explain" if problem else tried.what,
        at=tried.at,
        told=_told(draft, current, tried),
    )


# --- the list --------------------------------------------------------------------------------


def _rows(
    hub: Hub,
    draft: Draft,
    sound: Sound,
    clashes: tuple[Clash, ...],
    steps: Mapping[str, Step],
) -> Iterator[RuleRow]:
    routes = {route.id: route for route in sound.routes.routes}
    for number, rule in enumerate(draft.rules, start=1):
        route, name = routes.get(rule["id"]), rule["id"]
        yield RuleRow(
            id=name,
            number=number,
            name=rule["name"],
            reading=Reading(asks=asks(route) if route else "If …", to=_to(hub.plugins, rule["to"])),
            enabled=rule.get("enabled", True),
            faults=tuple(one.message for one in sound.faults[name]),
            clashes=tuple(one for one in clashes if name in dict(one.rules)),
            step=steps.get(name),
        )


def _to(plugins: Plugins, to: Mapping[str, Any]) -> str:
    settings = {name: value for name, value in to.items() if name != "type"}
    return plugins.destination(str(to["type"]), settings)


def _changed(hub: Hub, current: RouteSet, draft: Draft, sound: Sound) -> tuple[str, ...]:
    unfinished = {name for name, faults in sound.faults.items() if faults}
    # A rule that is not finished can be compared with nothing.
    before = RouteSet(
        current.version,
        tuple(route for route in current.routes if route.id not in unfinished),
        current.fallback,
    )
    found = changes(before, sound.routes, lambda to: names_of(hub, to))
    names = (draft.rule(name)["name"] for name in sound.faults if name in unfinished)
    return (*found, *(f"“{name}” is not finished." for name in names))


def _written(plugins: Plugins, draft: Draft) -> str:
    rules = [{**rule, "to": hidden(plugins, rule["to"])} for rule in draft.rules]
    said = {"routes": rules, "fallback": hidden(plugins, draft.fallback)}
    return json.dumps(said, indent=2, ensure_ascii=False)


# --- versions --------------------------------------------------------------------------------


def _saved(hub: Hub, channel_id: str, version: int, names: Mapping[str, str]) -> Saved:
    found = find_version(hub, channel_id, version)
    return Saved(
        version=version,
        by=words.author(found.by, dict(names)),
        ago=words.ago(found.at, hub.now()),
        at=words.exact(found.at),
    )


def _overtaken(
    hub: Hub, channel_id: str, draft: Draft, current: RouteSet, names: Mapping[str, str]
) -> Overtaking | None:
    if draft.base == current.version:
        return None
    before = find_version(hub, channel_id, draft.base).routes
    return Overtaking(
        base=draft.base,
        saved=_saved(hub, channel_id, current.version, names),
        changed=changes(before, current, lambda to: names_of(hub, to)),
    )


# --- conflicts -------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def _conflicts(routes: "_Comparable") -> tuple[Conflict, ...]:
    return find_conflicts(routes.routes)


class _Comparable:
    """Rules that are the same to who compares them when they ask the same, in the same order."""

    def __init__(self, routes: RouteSet) -> None:
        self.routes = routes
        self._key = json.dumps(routes.as_json(), sort_keys=True)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Comparable) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)


def settled_before(current: RouteSet) -> frozenset[str]:
    """Return the keys of the conflicts that are in force, which somebody has accepted."""
    return frozenset(conflict_key(current, one) for one in _conflicts(_Comparable(current)))


def _clashes(routes: RouteSet, current: RouteSet, accepted: Collection[str]) -> Iterator[Clash]:
    meant = {*accepted, *settled_before(current)}
    names = {route.id: route.name for route in routes.routes}
    for conflict in _conflicts(_Comparable(routes)):
        key = conflict_key(routes, conflict)
        yield Clash(
            key=key,
            text=f"{_KINDS[conflict.kind]}.",
            example=_example(conflict.example),
            rules=tuple((one, names[one]) for one in conflict.routes),
            accepted=key in meant,
        )


def _example(example: Mapping[str, Any]) -> str:
    if not example:
        return ""
    said = example["content"]
    text = preview(from_json(said))
    what = f"“{text}”" if said["type"] == "text" else f"{said['type']} “{text}”"
    at = datetime.fromisoformat(example["at"]).strftime("%A, %H:%M UTC")
    first = ", their first message" if example.get("first_message") else ""
    return f"{what}, from {example['sender'] or 'anybody'} on a {at}{first}"


# --- explaining ------------------------------------------------------------------------------


class _State(NamedTuple):
    draft: Draft
    #: What of it can be used.
    sound: RouteSet
    current: RouteSet


def _explain(
    hub: Hub, channel_id: str, state: _State, asked: Asked | None
) -> tuple[Mapping[str, Step], Explained | None, tuple[str, ...]]:
    """Return what became of each rule by its id, of the fallback under "", and the summary."""
    if asked is None:
        return {}, None, ()
    try:
        subject = _subject(hub, channel_id, asked)
    except Invalid as error:
        return {}, None, tuple(one.message for one in error.complaints)
    except NotFound as error:
        return {}, None, (error.detail,)
    decision, today = decide(state.sound, subject), decide(state.current, subject)
    elsewhere = today.destination != decision.destination
    explained = Explained(
        said=preview(subject.content),
        to=names_of(hub, decision.destination),
        by=decision.route_name,
        today=_today(hub, today) if elsewhere else "",
        message_id=asked.message_id,
    )
    return _steps(state.draft, decision), explained, ()


def _today(hub: Hub, decision: Decision) -> str:
    by = f"by “{decision.route_name}”" if decision.route_id else "as the fallback"
    return f"{names_of(hub, decision.destination)}, {by}"


def _subject(hub: Hub, channel_id: str, asked: Asked) -> Subject:
    if asked.message_id:
        return subject_of(find_heard(hub, channel_id, asked.message_id))
    kind = asked.kind if asked.kind in INBOUND_TYPES else "text"
    return Subject(
        content=content_of(kind, asked.text, choice=asked.text),
        address=asked.sender,
        name=None,
        first=asked.first,
        at=_moment(hub, asked),
    )


def _moment(hub: Hub, asked: Asked) -> datetime:
    if not asked.at:
        return hub.now()
    try:
        return datetime.fromisoformat(asked.at).replace(tzinfo=ZoneInfo(asked.zone or "UTC"))
    except (ValueError, KeyError, OSError):
        problem = "Write a day and a time, and a time zone such as Europe/Berlin."
        raise Invalid(Complaint("at", problem)) from None


def _steps(draft: Draft, decision: Decision) -> dict[str, Step]:
    considered = {one.route_id: one for one in decision.considered}
    steps = {}
    for rule in draft.rules:
        one = considered.get(rule["id"])
        if one is not None:
            steps[rule["id"]] = step_of(one.matched, one.off, one.conditions)
        elif decision.fallback or _before(draft, rule["id"], decision.route_id):
            steps[rule["id"]] = Step(state="unfinished", said="Not asked: it is not finished.")
        else:
            steps[rule["id"]] = Step(state="unasked", said="Not asked: an earlier rule took it.")
    taken = "Takes it: no rule matched." if decision.fallback else "Not needed: a rule took it."
    steps[""] = Step(state="matched" if decision.fallback else "unasked", said=taken)
    return steps


def step_of(matched: bool, off: bool, conditions: tuple[Looked, ...]) -> Step:  # noqa: FBT001  # as a decision has them
    """Return what became of a rule that was asked, or passed over."""
    if off:
        return Step(state="off", said="Not asked: it is switched off.")
    if matched:
        said = "Takes it." if conditions else "Takes it, as it takes every message."
        return Step(state="matched", said=said, conditions=conditions)
    return Step(state="passed", said="Does not match.", conditions=conditions)


def _before(draft: Draft, rule_id: str, winner: str | None) -> bool:
    return winner is not None and draft.place(rule_id) < draft.place(winner)


def _told(draft: Draft, current: RouteSet, tried: Tried) -> str:
    """Return what was done, from a word that stands in the address of the page."""
    place = next((n for n, rule in enumerate(draft.rules) if rule["id"] == tried.rule_id), None)
    if place is None:
        return _DONE.get(tried.did, "").format(version=current.version)
    rule = draft.rules[place]
    word = "on" if rule.get("enabled", True) else "off"
    said = _DONE_TO_RULE.get(tried.did, "")
    return said.format(name=rule["name"], place=place + 1, count=len(draft.rules), word=word)


_MOVED: Final = "“{name}” is rule {place} of {count} now."
_DONE_TO_RULE: Final = {
    **dict.fromkeys(("up", "down", "move"), _MOVED),
    "switch": "“{name}” is switched {word}.",
    "copy": "“{name}” is copied; the copy stands behind it.",
    "kept": "“{name}” is kept in your draft.",
}
_DONE: Final = {
    "delete": "Deleted from your draft. Undo brings it back.",
    "undo": "Undone.",
    "discard": "Your draft is gone; these rules are in force.",
    "over": "Your draft replaces version {version} when you save it.",
    "json": "Your draft has these rules now.",
    "kept": "The fallback is kept in your draft.",
    "saved": "Saved: version {version} is in force.",
    "restored": "Restored, as version {version}.",
}


def _problems(draft: Draft, tried: Tried) -> Iterator[str]:
    match tried.error:
        case None:
            return
        case Invalid(complaints=complaints) if tried.what == "save":
            yield from (f"{_place(draft, one.field)}: {one.message}" for one in complaints)
        case Invalid(complaints=complaints):
            yield from (f"{one.field}: {one.message}" for one in complaints)
        case error:
            yield error.detail


def _place(draft: Draft, field: str) -> str:
    """Return the name of the rule that a path such as ``routes.0.when`` leads into."""
    section, _, rest = field.partition(".")
    number = rest.partition(".")[0]
    if section == "routes" and number.isdigit() and int(number) < len(draft.rules):
        return f"“{draft.rules[int(number)]['name']}”"
    return "Fallback" if section == "fallback" else field
