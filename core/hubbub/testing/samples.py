"""Hold one example of every content type, and strategies for what nobody would think of."""

import json
from collections.abc import Callable, Iterator
from typing import Any, Final

from hypothesis import given, settings, strategies as st

from hubbub.sdk import (
    Attachment,
    Card,
    Choice,
    Choices,
    Contacts,
    Content,
    Email,
    Form,
    Location,
    Media,
    Option,
    Order,
    Reaction,
    System,
    Template,
    Text,
    UnsupportedContent,
)


def _file(mime_type: str, name: str) -> Media:
    return Media(
        id="m1",
        url=f"https://hub.example.com/media/{name}",
        mime_type=mime_type,
        filename=name,
        size=1000,
        state="ready",
    )


SAMPLES: Final[tuple[Content, ...]] = (
    Text(text="Zebra42 is ready"),
    Attachment(type="image", media=_file("image/jpeg", "cup.jpg"), caption="Blue"),
    Attachment(type="audio", media=_file("audio/mpeg", "song.mp3")),
    Attachment(type="voice", media=_file("audio/ogg", "note.ogg")),
    Attachment(type="video", media=_file("video/mp4", "tour.mp4")),
    Attachment(type="document", media=_file("application/pdf", "bill.pdf"), caption="Bill"),
    Attachment(type="sticker", media=_file("image/webp", "wave.webp")),
    Location(latitude=48.1, longitude=11.5, name="Cafe", address="Main St 1"),
    Contacts(
        contacts=(
            Card(name="Ada", phones=("+15005550006",), emails=("ada@shop.example",)),
            Card(name="Bo", phones=("+15005550007", "+15005550008")),
        )
    ),
    Reaction(emoji="👍", target_external_id="1:1"),
    Choice(id="yes", title="Yes"),
    Choices(
        text="Which of them?",
        options=(Option(id="pick-1", title="Zebra one"), Option(id="pick-2", title="Zebra two")),
    ),
    Form(fields={"name": "Ada"}),
    Template(name="ready", language="en", parameters={"1": "Ada", "2": "Zebra Street"}),
    Email(subject="Ready", text="It is ready."),
    Order(items=("A cup",), note="Blue"),
    System(event="started"),
    UnsupportedContent(provider_type="hologram"),
)

#: More than a button holds.
_LONG: Final = "A zebra with stripes on both of its sides, which is the one of the number"


def offers(limit: int) -> dict[str, Choices]:
    """Return options in each form that may be hard to show, where ``limit`` is the most."""
    few, described = min(limit, 2), "It has stripes"
    return {
        "few": _offer(few, "Zebra"),
        "as many as it can": _offer(limit, "Zebra"),
        "with descriptions": _offer(few, "Zebra", described),
        "as many as it can, with descriptions": _offer(limit, "Zebra", described),
        "with long titles": _offer(few, _LONG),
        "with long titles and descriptions": _offer(few, _LONG, described),
        "more than it can": _offer(limit + 1, "Zebra", described),
    }


def _offer(count: int, title: str, description: str | None = None) -> Choices:
    said = [f"{description} {n}" if description else None for n in range(count)]
    options = (
        Option(id=f"pick-{n}", title=f"{title} {n}", description=said[n]) for n in range(count)
    )
    return Choices(text="Which of them?", options=tuple(options))


#: What stands in JSON where something else was expected.
ODD_VALUES: Final[tuple[Any, ...]] = (
    None,
    True,
    -1,
    10**40,
    1e300,
    float("nan"),
    "",
    "\ud800",
    "\0",
    "x" * 10_000,
    [],
    [None],
    {},
    {"": {}},
)

#: Bodies that break careless readers, by what they are.
HOSTILE_BODIES: Final[dict[str, bytes]] = {
    "nothing": b"",
    "a nought": b"\0",
    "no UTF-8": b'{"text": "\xff\xfe"}',
    "a byte order mark": b"\xef\xbb\xbf{}",
    "half a pair": b'{"text": "\\ud800"}',
    "deep lists": b"[" * 100_000,
    "deep objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "an endless number": b"1" * 100_000,
    "no number": b'{"id": NaN}',
    "a null": b"null",
    "a list": b"[]",
    "an object": b"{}",
    "a text": b'"text"',
    "a form": b"a=%ff&a=&=&%=%zz&&b",
    "markup": b"<!DOCTYPE x [<!ENTITY y 'z'>]><x>&y;</x>",
}

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
#: Bytes of any kind, and JSON that says anything.
ANY_BODY: Final = st.binary(max_size=400) | _JSON.map(lambda value: json.dumps(value).encode())


def for_all(strategy: st.SearchStrategy[Any], check: Callable[[Any], None]) -> None:
    """Run ``check`` with many values of ``strategy``; how long one takes does not matter."""

    @settings(deadline=None)
    @given(strategy)
    def tried(value: Any) -> None:
        check(value)

    tried()


def spoilt(body: bytes) -> Iterator[bytes]:
    """Yield ``body`` as nobody should send it: cut off, and with each value made an odd one."""
    step = max(1, len(body) // 100)
    yield from (body[:end] for end in range(0, len(body), step))
    try:
        document = json.loads(body)
    except ValueError:
        yield from _spoilt_form(body)
        return
    for changed in _changed(document):
        yield json.dumps(changed).encode()


def _spoilt_form(body: bytes) -> Iterator[bytes]:
    fields = body.split(b"&")
    for at, field in enumerate(fields):
        name = field.partition(b"=")[0]
        before, after = fields[:at], fields[at + 1 :]
        yield b"&".join([*before, *after])
        for odd in (b"", b"%ff%00", b"-1", b"9" * 5000, b"%00"):
            yield b"&".join([*before, name + b"=" + odd, *after])


def _changed(value: Any) -> Iterator[Any]:
    """Yield ``value`` with each place in it left out or replaced by each odd value."""
    yield from ODD_VALUES
    if isinstance(value, dict):
        for key, item in value.items():
            yield {name: kept for name, kept in value.items() if name != key}
            yield from ({**value, key: changed} for changed in _changed(item))
    elif isinstance(value, list):
        for at, item in enumerate(value):
            yield from ([*value[:at], changed, *value[at + 1 :]] for changed in _changed(item))
