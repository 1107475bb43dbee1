"""Write the page about what a plugin may import, from the SDK's own docstrings: ``make docs``."""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
PAGE: Final = HERE / "sdk.md"
SDK: Final = HERE.parent / "core/hubbub/sdk"

_HEAD: Final = """\
# The SDK

All that a plugin may import, from `hubbub.sdk`. `make docs` writes this page from the docstrings.
[Adding a channel](adding-a-channel.md) shows how the pieces go together, and [Hooks](hooks.md)
when the methods are called. All values are frozen, and take their fields by name; `ClassVar` marks
what a class that you derive sets.
"""
#: The modules in the order in which an author meets them.
_MODULES: Final[Mapping[str, str]] = {
    "types": "What to derive from",
    "capabilities": "What a channel type declares",
    "values": "What passes between the hub and a channel type",
    "content": "What a message says",
    "errors": "What can go wrong",
    "session": "Sessions: providers that are spoken to over one lasting connection",
    "templates": "Templates",
    "fit": "Fitting a message to a channel",
    "routing": "Destinations",
    "screening": "Screens",
    "telling": "Tellings",
    "hooks": "Hooks",
}
_HEADING: Final = re.compile(r"# --- (.+?) -+")


@dataclass(frozen=True)
class _Source:
    """One module of the SDK; ``public`` gives the names by which the SDK offers what is in it."""

    lines: Sequence[str]
    public: Mapping[str, str]

    def comment(self, node: ast.stmt) -> str:
        """Return what stands in ``#:`` comments above ``node``."""
        above: list[str] = []
        for line in reversed(self.lines[: node.lineno - 1]):
            if not line.strip().startswith("#:"):
                break
            above.insert(0, line.strip().removeprefix("#:").strip())
        return " ".join(above)


def page() -> str:
    """Return the page."""
    offered = _offered()
    sections = (
        _section(title, SDK / f"{name}.py", offered[name]) for name, title in _MODULES.items()
    )
    return "\n\n".join([_HEAD.rstrip(), *sections]) + "\n"


def _offered() -> dict[str, dict[str, str]]:
    """Return, by module, what each name in it is called in ``hubbub.sdk``."""
    tree = ast.parse((SDK / "__init__.py").read_text())
    return {
        (node.module or "").rpartition(".")[2]: {
            one.name: one.asname or one.name for one in node.names
        }
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
    }


def _section(title: str, path: Path, public: Mapping[str, str]) -> str:
    text = path.read_text()
    source = _Source(text.splitlines(), public)
    found = {node.lineno: entry for node in ast.parse(text).body for entry in _entry(node, source)}
    for number, line in enumerate(source.lines, start=1):
        if heading := _HEADING.fullmatch(line):
            found[number] = f"*{heading[1].capitalize()}*"
    return "\n\n".join([f"## {title}", *(found[number] for number in sorted(found))])


def _entry(node: ast.stmt, source: _Source) -> Iterator[str]:
    """Yield what is said of ``node``, if the SDK offers it."""
    match node:
        case ast.ClassDef(name=name) if name in source.public:
            yield _class(node, source)
        case ast.FunctionDef(name=name) if name in source.public:
            yield f"### `{name}{_signature(node)}`\n\n{ast.get_docstring(node)}"
        case (
            ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            | ast.Assign(targets=[ast.Name(id=name)], value=value)
        ) if name in source.public:
            said = [f"### `{name}`", source.comment(node), f"    {ast.unparse(value)}"]
            yield "\n\n".join(part for part in said if part)


def _class(node: ast.ClassDef, source: _Source) -> str:
    bases = [ast.unparse(base) for base in node.bases if ast.unparse(base) != "Exception"]
    derived = f" ({', '.join(f'`{base}`' for base in bases)})" if bases else ""
    made = [one for one in node.body if isinstance(one, ast.FunctionDef) and one.name == "__init__"]
    called = source.public[node.name] + "".join(f"({_arguments(one)})" for one in made)
    members = [_member(one, source) for one in node.body]
    said = [
        f"### `{called}`{derived}",
        ast.get_docstring(node) or "",
        "\n".join(member for member in members if member),
    ]
    return "\n\n".join(part for part in said if part)


def _member(node: ast.stmt, source: _Source) -> str:
    match node:
        case ast.FunctionDef(name=name) if not name.startswith("_"):
            told = " ".join((ast.get_docstring(node) or "").split())
            return _item(name + _signature(node), told)
        case ast.AnnAssign(target=ast.Name(id=name), annotation=kind, value=value):
            default, told = _default(value)
            said = " ".join(part for part in (told, source.comment(node)) if part)
            return _item(f"{name}: {_type(kind)}{default}", said)
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if name != "model_config":
            return _item(f"{name} = {ast.unparse(value)}", source.comment(node))
    return ""


def _item(code: str, said: str) -> str:
    return f"- `{code}`: {said}" if said else f"- `{code}`"


def _default(value: ast.expr | None) -> tuple[str, str]:
    """Return the default that ``value`` gives a field, and what a form would say about it."""
    match value:
        case None:
            return "", ""
        case ast.Call(func=ast.Name(id="field" | "Field"), keywords=keywords):
            given = {one.arg: one.value for one in keywords}
            made = given.get("default_factory")
            default = f"{ast.unparse(made)}()" if made else _unparsed(given.get("default"))
            words = (given.get("title"), given.get("description"))
            told = [str(one.value).rstrip(".?") for one in words if isinstance(one, ast.Constant)]
            return f" = {default}" if default else "", " ".join(f"{one}." for one in told)
    return f" = {ast.unparse(value)}", ""


def _unparsed(value: ast.expr | None) -> str:
    return ast.unparse(value) if value else ""


def _signature(node: ast.FunctionDef) -> str:
    if any(ast.unparse(one) == "property" for one in node.decorator_list):
        return f": {_type(node.returns)}"
    return f"({_arguments(node)}) -> {_type(node.returns)}"


def _arguments(node: ast.FunctionDef) -> str:
    """Return what a caller gives."""
    return re.sub(r"^(self|cls)(, )?", "", ast.unparse(node.args))


def _type(annotation: ast.expr | None) -> str:
    # A class that has a field named ``type`` quotes the type of that name.
    return (
        _unparsed(annotation)
        .replace("builtins.", "")
        .replace("'type[BaseModel]'", "type[BaseModel]")
    )


if __name__ == "__main__":
    PAGE.write_text(page())
