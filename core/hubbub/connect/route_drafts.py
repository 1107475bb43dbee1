"""Keep what somebody makes of a channel's routes until they save it, so that nothing is lost.

A draft is JSON that may be half done: what is wrong with it keeps it from being saved, and no more.
It holds the secrets of its destinations, as the routes in force do, and is encrypted like them.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, TypeAlias

from sqlalchemy import Row
from sqlalchemy.exc import IntegrityError

from hubbub.connect import queries
from hubbub.connect.routes import WantedRoutes, current_routes, save_routes
from hubbub.connect.rules import open_routes
from hubbub.hub import Hub
from hubbub.people.errors import Conflict, NotFound
from hubbub.people.overtaken import Overtaken, check_seen, mark_of
from hubbub.people.rules import Person
from hubbub.route.rules import RouteSet
from hubbub.store.session import reading, transaction
from hubbub.store.types import new_id
from hubbub.vault import Undecryptable

Json: TypeAlias = dict[str, Any]
#: Changes that can be undone, and rules that one channel may have.
_STEPS: Final = 20
_MOST: Final = 100


class DraftChanged(Conflict):
    """The draft is not what a page of its maker shows: they changed it in another one."""

    code = "draft_changed"

    def __init__(self) -> None:
        super().__init__(
            "You changed this draft in another window meanwhile: here it is as it is now. Look at "
            "it, and try again."
        )


@dataclass(frozen=True, kw_only=True)
class Step:
    """What was done, and the rules before it."""

    did: str
    #: The rule whose editing it was: a second edit of the same one belongs to the first.
    editing: str
    rules: tuple[Json, ...]
    fallback: Json


@dataclass(frozen=True, kw_only=True)
class Draft:
    """Rules on their way. Its methods return another draft."""

    #: The version that it began with.
    base: int
    rules: tuple[Json, ...]
    fallback: Json
    past: tuple[Step, ...] = ()
    #: When it was last changed; None: it is the routes in force, untouched.
    changed_at: datetime | None = None

    def rule(self, rule_id: str) -> Json:
        """Return a rule. Raises `NotFound`."""
        return self.rules[self.place(rule_id)]

    def place(self, rule_id: str) -> int:
        """Return where a rule stands, counted from 0. Raises `NotFound`."""
        for place, rule in enumerate(self.rules):
            if rule["id"] == rule_id:
                return place
        raise NotFound("There is no such rule in your draft. Perhaps you deleted it.")

    def moved(self, rule_id: str, place: int) -> "Draft":
        """Put a rule at another place; one beyond the ends is the end."""
        rule = self.rule(rule_id)
        others = [one for one in self.rules if one["id"] != rule_id]
        others.insert(max(0, place), rule)
        return self._done(f"move “{rule['name']}”", others)

    def switched(self, rule_id: str) -> "Draft":
        """Switch a rule off, or on again."""
        rule = self.rule(rule_id)
        enabled = not rule.get("enabled", True)
        word = "on" if enabled else "off"
        return self._replaced({**rule, "enabled": enabled}, f"switch {word} “{rule['name']}”")

    def copied(self, rule_id: str, *, new: str) -> "Draft":
        """Put a copy with the id ``new`` behind a rule. Raises `Conflict` when there are many."""
        place, rule = self.place(rule_id), self.rule(rule_id)
        copy = {**rule, "id": new, "name": f"{rule['name'][:90]} (copy)"}
        self._room()
        rules = (*self.rules[: place + 1], copy, *self.rules[place + 1 :])
        return self._done(f"copy “{rule['name']}”", rules)

    def removed(self, rule_id: str) -> "Draft":
        """Take a rule out."""
        name = self.rule(rule_id)["name"]
        return self._done(f"delete “{name}”", [one for one in self.rules if one["id"] != rule_id])

    def added(self, rule: Json) -> "Draft":
        """Put a new rule behind the others. Raises `Conflict` when there are many."""
        self._room()
        return self._done(f"add “{rule['name']}”", (*self.rules, rule))

    def edited(self, rule: Json) -> "Draft":
        """Put a rule in the place of the one with its id."""
        name = rule["name"] or self.rule(rule["id"])["name"]
        return self._replaced(rule, f"edit “{name}”", editing=rule["id"])

    def with_fallback(self, to: Json) -> "Draft":
        """Send elsewhere what no rule takes."""
        return self._done("change the fallback", self.rules, fallback=to, editing="fallback")

    def rewritten(self, rules: Sequence[Json], fallback: Json) -> "Draft":
        """Replace all of it."""
        return self._done("replace all rules", rules, fallback=fallback)

    def undone(self) -> "Draft":
        """Take the last change back; without one nothing happens."""
        if not self.past:
            return self
        *past, last = self.past
        return replace(self, rules=last.rules, fallback=last.fallback, past=tuple(past))

    def rebased(self, version: int) -> "Draft":
        """Count as begun with another version, which it will replace."""
        return replace(self, base=version)

    def _room(self) -> None:
        if len(self.rules) >= _MOST:
            raise Conflict(f"A channel has at most {_MOST} rules.")

    def _replaced(self, rule: Json, did: str, *, editing: str = "") -> "Draft":
        rules = [rule if one["id"] == rule["id"] else one for one in self.rules]
        return self._done(did, rules, editing=editing)

    def _done(
        self, did: str, rules: Sequence[Json], *, fallback: Json | None = None, editing: str = ""
    ) -> "Draft":
        after = replace(self, rules=tuple(rules), fallback=fallback or self.fallback)
        if (after.rules, after.fallback) == (self.rules, self.fallback):
            return self
        if editing and self.past and self.past[-1].editing == editing:
            # Called as it is by now.
            return replace(after, past=(*self.past[:-1], replace(self.past[-1], did=did)))
        step = Step(did=did, editing=editing, rules=self.rules, fallback=self.fallback)
        return replace(after, past=(*self.past, step)[-_STEPS:])


def draft_of(hub: Hub, channel_id: str, person: Person) -> Draft:
    """Return somebody's draft, which begins with the routes in force. Raises `NotFound`."""
    current = current_routes(hub, channel_id)
    with reading(hub.engine) as db:
        row = queries.route_draft(db, channel_id, person.id)
    return _opened(hub, row) or begun_with(current)


def begun_with(routes: RouteSet) -> Draft:
    """Return the draft that ``routes`` are before anybody changes anything."""
    written = routes.as_json()
    return Draft(base=routes.version, rules=tuple(written["routes"]), fallback=written["fallback"])


def change_draft(
    hub: Hub,
    channel_id: str,
    person: Person,
    change: Callable[[Draft], Draft],
    *,
    seen: str | None = None,
) -> Draft:
    """Change somebody's draft and return it.

    Raises `NotFound`, `DraftChanged` where it is not as it was ``seen``, or what ``change`` raises.
    """
    current_routes(hub, channel_id)
    try:
        with transaction(hub.engine) as db:
            row = queries.route_draft(db, channel_id, person.id, lock=True)
            # Now: a save that this waited for may have put other routes in force.
            before = _opened(hub, row) or begun_with(
                open_routes(hub, queries.route_set(db, channel_id))
            )
            _check_seen(hub, before, seen)
            draft = change(before)
            if row:
                queries.change_route_draft(db, row.id, **_columns(hub, row.id, draft))
            else:
                row_id, about = new_id(), {"channel_id": channel_id, "user_id": person.id}
                queries.add_route_draft(db, id=row_id, **about, **_columns(hub, row_id, draft))
    except IntegrityError:
        raise Conflict("You changed this twice at the same moment: try again.") from None
    return draft


def drop_draft(hub: Hub, channel_id: str, person: Person, *, seen: str | None = None) -> None:
    """Throw somebody's draft away; safe to run twice.

    Raises `DraftChanged` where it is not as it was ``seen``.
    """
    with transaction(hub.engine) as db:
        draft = _opened(hub, queries.route_draft(db, channel_id, person.id, lock=True))
        if draft is not None:
            _check_seen(hub, draft, seen)
        queries.remove_route_draft(db, channel_id, person.id)


def save_draft(
    hub: Hub,
    channel_id: str,
    person: Person,
    *,
    accepted: Collection[str],
    seen: str | None = None,
) -> RouteSet:
    """Put somebody's draft in force; ``accepted`` are the conflicts that they mean.

    When it is refused the draft stays, and so does what they change of it meanwhile. Raises as
    `save_routes` does, and `DraftChanged` where it is not as it was ``seen``.
    """
    draft = draft_of(hub, channel_id, person)
    _check_seen(hub, draft, seen)
    wanted = WantedRoutes(
        routes=draft.rules, fallback=draft.fallback, accepted=accepted, version=draft.base
    )
    saved = save_routes(hub, channel_id, wanted, actor=person.actor)
    _let_go(hub, channel_id, person, draft, saved.version)
    return saved


def mark_of_draft(hub: Hub, draft: Draft) -> str:
    """Return the mark of a draft for the page that shows it."""
    return mark_of(hub, draft.base, draft.rules, draft.fallback)


def _check_seen(hub: Hub, draft: Draft, seen: str | None) -> None:
    try:
        check_seen(hub, seen, draft.base, draft.rules, draft.fallback)
    except Overtaken:
        raise DraftChanged from None


def _let_go(hub: Hub, channel_id: str, person: Person, saved: Draft, version: int) -> None:
    """Drop the draft that was saved as ``version``, or go on from there if it was changed since."""
    with transaction(hub.engine) as db:
        row = queries.route_draft(db, channel_id, person.id, lock=True)
        draft = _opened(hub, row)
        if row is None or draft is None:
            return
        if (draft.rules, draft.fallback) == (saved.rules, saved.fallback):
            queries.remove_route_draft(db, channel_id, person.id)
        else:
            after = draft.rebased(version)
            queries.change_route_draft(db, row.id, **_columns(hub, row.id, after))


def _columns(hub: Hub, row_id: str, draft: Draft) -> dict[str, Any]:
    return {
        "base_version": draft.base,
        "sealed": hub.vault.seal(_as_json(draft), row_id),
        "changed_at": hub.now(),
    }


def _opened(hub: Hub, row: Row[Any] | None) -> Draft | None:
    if row is None:
        return None
    try:
        kept = hub.vault.open(row.sealed, row.id)
    except Undecryptable:
        return None  # what was in force is in the same case, and says so
    return Draft(
        base=row.base_version,
        rules=tuple(kept["rules"]),
        fallback=kept["fallback"],
        past=tuple(_step(one) for one in kept["past"]),
        changed_at=row.changed_at,
    )


def _step(kept: Mapping[str, Any]) -> Step:
    return Step(**{**kept, "rules": tuple(kept["rules"])})


def _as_json(draft: Draft) -> Json:
    return {
        "rules": draft.rules,
        "fallback": draft.fallback,
        "past": [vars(step) for step in draft.past],
    }
