"""Read from a note whom it speaks to."""

from collections.abc import Iterable, Iterator


def mentioned(text: str, people: Iterable[tuple[str, str, str]]) -> tuple[str, ...]:
    """Return the ids of those whom ``text`` names after an ``@``.

    ``people`` are ids with name and email. Of names that begin alike the longest one counts:
    ``@Ada Lovelace`` does not speak to Ada.
    """
    handles = {handle: user_id for user_id, *names in people for handle in _handles(*names)}
    longest_first = sorted(handles, key=len, reverse=True)
    found = (_handle_at(text.casefold(), at, longest_first) for at in _ats(text.casefold()))
    return tuple(dict.fromkeys(handles[handle] for handle in found if handle))


def _handles(name: str, email: str) -> Iterator[str]:
    for handle in (name, email):
        if handle.strip():
            yield handle.strip().casefold()


def _ats(text: str) -> Iterator[int]:
    """Yield where an ``@`` begins a word: in the middle of one it belongs to an address."""
    for at, character in enumerate(text):
        if character == "@" and (at == 0 or not _of_a_word(text[at - 1])):
            yield at + 1


def _handle_at(text: str, at: int, handles: Iterable[str]) -> str:
    for handle in handles:
        end = at + len(handle)
        if text.startswith(handle, at) and (end == len(text) or not _of_a_word(text[end])):
            return handle
    return ""


def _of_a_word(character: str) -> bool:
    return character.isalnum() or character == "_"
