"""Name the parts of a form made from a schema, and find one's way among them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from hubbub.people.errors import Complaint
from hubbub.ui.forms import Form, FormField


@dataclass(frozen=True, kw_only=True)
class Fieldset:
    """Several fields that belong together; in a list, one row of it."""

    name: str
    title: str
    help: str = ""
    parts: tuple["Node", ...]
    problem: str = ""
    advanced: bool = False
    section: str = ""
    first: bool = False
    #: Whether it is one row more than there are, to be filled in or left empty.
    spare: bool = False

    @property
    def id(self) -> str:
        """Its id in the page."""
        return self.name.replace(".", "-")

    @property
    def nested(self) -> str:
        """How it looks: ``table`` where all its parts are lists of short rows."""
        short = all(isinstance(one, Rows) and one.nested == "lines" for one in self.parts)
        return "table" if self.parts and short else "fieldset"


@dataclass(frozen=True, kw_only=True)
class Rows:
    """A list of fieldsets, to which more can be added.

    ``nested``: ``lines`` of a few short fields, the last of which is to be filled in if there is
    one more; whole ``rows``; or ``named``, for each of which one thinks of a name.
    """

    name: str
    title: str
    help: str = ""
    rows: tuple[Fieldset, ...]
    problem: str = ""
    advanced: bool = False
    section: str = ""
    first: bool = False
    nested: str = "rows"
    #: What the names of rows are called.
    key: str = ""

    @property
    def id(self) -> str:
        """Its id in the page."""
        return self.name.replace(".", "-")

    @property
    def adding(self) -> str:
        """What its button does: one more row, or only another look at what was filled in."""
        return "row" if self.nested == "rows" else "more"


Node: TypeAlias = FormField | Fieldset | Rows


@dataclass(frozen=True, kw_only=True)
class Act:
    """What somebody pressed in a form: a verb, and on what."""

    verb: str = "done"
    name: str = ""

    @classmethod
    def of(cls, form: Form) -> "Act":
        """Return the act that a form carries."""
        verb, _, name = form.get("do", "done").partition(":")
        return cls(verb=verb, name=name)

    @property
    def looks(self) -> bool:
        """Whether it only changes what can be filled in."""
        return self.verb in {"row", "unrow", "more"}


def placed(nodes: Sequence[Node], problems: Sequence[Complaint]) -> dict[str, str]:
    """Return what is wrong by the name of the node it belongs to: the nearest around its path."""
    names = {one.name for one in every(nodes)}
    found: dict[str, str] = {}
    for one in problems:
        # Behind the path of a value with variants pydantic names the variant.
        where = next((name for name in _paths(one.field) if name in names), None)
        if where is not None:
            said = one.message[:1].upper() + one.message[1:]
            found[where] = " ".join(dict.fromkeys(filter(None, (found.get(where), said))))
    return found


def every(nodes: Sequence[Node]) -> Iterator[Node]:
    """Yield the nodes and all within them."""
    for one in nodes:
        yield one
        if isinstance(one, Fieldset):
            yield from every(one.parts)
        elif isinstance(one, Rows):
            yield from every(one.rows)


def fields_of(nodes: Sequence[Node]) -> Iterator[FormField]:
    """Yield the fields, however deep they lie."""
    return (one for one in every(nodes) if isinstance(one, FormField))


def control_after(act: Act, nodes: Sequence[Node]) -> str:
    """Return the id of what has the focus after something was pressed: what is to be filled in."""
    if act.verb == "unrow":
        return f"{act.name.rpartition('.')[0]}.add".replace(".", "-")
    for one in every(nodes):
        if isinstance(one, Rows) and one.name == act.name and one.rows:
            return next((field.id for field in fields_of(one.rows[-1:])), "")
    return ""


def _paths(path: str) -> Iterator[str]:
    while path:
        yield path
        path = path.rpartition(".")[0]
