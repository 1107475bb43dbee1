"""Build the page on which the rules of a channel are put in order, tried and saved."""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from zoneinfo import available_timezones

from sqlalchemy import Connection

from hubbub.connect import queries as channel_queries
from hubbub.connect.dryrun import DAYS
from hubbub.connect.hidden import hidden
from hubbub.connect.route_drafts import Draft, draft_of, mark_of_draft
from hubbub.connect.routes import RoutesClash, current_routes, faults_of, faults_of_destination
from hubbub.connect.versions import find_version, names_of
from hubbub.connect.work import find_channel
from hubbub.hub import Hub
from hubbub.people import team_queries
from hubbub.people.errors import Complaint, Invalid
from hubbub.people.rules import Person
from hubbub.plugins import Plugins
from hubbub.route.conditions import INBOUND_TYPES
from hubbub.route.rules import INBOX, Destination, RouteSet, read_route_set
from hubbub.route.telling import asks, changes
from hubbub.sdk.content import from_json, preview
from hubbub.sdk.errors import HubError
from hubbub.store.clean import folded
from hubbub.store.session import reading
from hubbub.ui import queries, words
from hubbub.ui.routing.clashes import Clash, clashes_of
from hubbub.ui.routing.conditions import zone_of
from hubbub.ui.routing.path import Asked, Explained, State, Step, explain

#: Messages to pick one from.
_RECENT: Final = 20


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A rule as a sentence: what it asks, and where it leads."""

    asks: str
    to: str


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
    #: What was perhaps forgotten; empty where nothing was.
    doubt: str
    clashes: tuple[Clash, ...]
    step: Step | None


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
    fallback_doubt: str
    fallback_step: Step | None
    #: Teams that are named and that there are none of.
    strangers: tuple[str, ...]
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
    #: Which draft this is (`mark_of_draft`).
    draft: str
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
    clashes = tuple(clashes_of(sound.routes, current, tried.accepted))
    asked = tried.asked or Asked(zone=zone_of(draft.rules))
    state = State(draft, sound.routes, current)
    steps, explained, problem = explain(hub, channel_id, state, tried.asked)
    with reading(hub.engine) as db:
        names = queries.names(db)
        teams = team_queries.names(db)
        recent = _recent(hub, db, channel_id)
    problems = [*_problems(draft, tried), *problem]
    return RoutingPage(
        channel_id=channel_id,
        channel=channel.name,
        saved=_saved(hub, channel_id, current.version, names),
        rules=tuple(_rows(hub, draft, sound, clashes, steps)),
        fallback=Reading(asks="Everything else", to=_to(hub, draft.fallback)),
        fallback_faults=tuple(one.message for one in sound.fallback_faults),
        fallback_doubt=_doubt(hub.plugins, draft.fallback),
        fallback_step=steps.get(""),
        strangers=tuple(sorted(_teams_of(hub.plugins, draft) - _called(teams))),
        changed=_changed(hub, current, draft, sound),
        undo=draft.past[-1].did if draft.past else "",
        overtaken=_overtaken(hub, channel_id, draft, current, names),
        clashes=clashes,
        asked=asked,
        explained=explained,
        kinds=INBOUND_TYPES,
        zones=tuple(sorted(available_timezones())),
        recent=recent,
        days=DAYS,
        written=tried.written or _written(hub.plugins, draft),
        draft=mark_of_draft(hub, draft),
        problems=tuple(problems),
        wrong="explain" if problem else tried.what,
        at=tried.at,
        told=_told(draft, current, tried),
    )


def _recent(hub: Hub, db: Connection, channel_id: str) -> tuple[Heard, ...]:
    since = hub.now() - timedelta(days=DAYS)
    rows = channel_queries.heard(db, channel_id, since=since, before=None, limit=_RECENT)
    return tuple(
        Heard(
            id=row.id,
            sender=row.sender_name or row.sender_address,
            text=preview(from_json(row.content), limit=60),
            ago=words.ago(row.created_at, hub.now()),
        )
        for row in rows
    )


def stored_rule(hub: Hub, stored: Draft, mine: Draft, rule_id: str) -> tuple[tuple[str, str], ...]:
    """Return what a draft says of a rule, where ``mine`` says otherwise."""
    theirs, ours = (dict(_said(hub, draft, rule_id)) for draft in (stored, mine))
    return tuple((title, said) for title, said in theirs.items() if said != ours.get(title))


def _said(hub: Hub, draft: Draft, rule_id: str) -> Iterator[tuple[str, str]]:
    sound = sound_part(hub.plugins, draft)
    for row in _rows(hub, draft, sound, (), {}):
        if row.id == rule_id:
            yield "Name", row.name
            yield "If", "It is not finished." if row.faults else row.reading.asks
            yield "Then to", row.reading.to
            return
    yield "Everything else goes to", _to(hub, draft.fallback)


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
            reading=Reading(asks=asks(route) if route else "If …", to=_to(hub, rule["to"])),
            enabled=rule.get("enabled", True),
            faults=tuple(one.message for one in sound.faults[name]),
            doubt=_doubt(hub.plugins, rule["to"]),
            clashes=tuple(one for one in clashes if name in dict(one.rules)),
            step=steps.get(name),
        )


def _to(hub: Hub, to: Mapping[str, Any]) -> str:
    return names_of(hub, Destination.from_json(to))


def _doubt(plugins: Plugins, to: Mapping[str, Any]) -> str:
    destination = Destination.from_json(to)
    return plugins.doubt(destination.type, destination.settings)


def _teams_of(plugins: Plugins, draft: Draft) -> set[str]:
    """Return the teams to which a draft gives conversations, by its own words for them."""
    found = set()
    for to in (*(rule["to"] for rule in draft.rules), draft.fallback):
        kind = plugins.routes.get(str(to["type"]))
        for name, known in kind.fields.model_fields.items() if kind else ():
            more = known.json_schema_extra
            if isinstance(more, dict) and more.get("format") == "team" and to.get(name):
                found.add(folded(str(to[name])))
    return found


def _called(teams: Mapping[str, str]) -> set[str]:
    """Return all that teams are called by, from their names by id."""
    return {*map(folded, (*teams, *teams.values()))}


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
        case RoutesClash():
            yield "Some of these rules get in each other's way, and nobody said that it is meant."
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
