"""Read lines from a server that may be slow, or never come to an end."""

from collections.abc import Callable
from io import BufferedReader


class TooLong(OSError):
    """A server says more than anybody wants to hear."""


def next_line(stream: BufferedReader, most: int, before: Callable[[], None]) -> bytes:
    """Return the next line with its end; without one where the stream ends.

    ``before`` is called each time before the server is waited for: one that sends a byte now and
    then must not be waited for anew each time. Raises `TooLong` beyond ``most`` bytes.
    """
    line = bytearray()
    while not line.endswith(b"\n"):
        before()
        held = stream.peek()  # waits once at most
        piece = stream.read(held.find(b"\n") + 1 or len(held)) if held else b""
        if not piece:
            break
        line += piece
        if len(line) > most:
            raise TooLong(f"the server says more than {most} bytes at once")
    return bytes(line)
