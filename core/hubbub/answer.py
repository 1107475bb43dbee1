"""Read an answer from its bytes as they come, whoever waits for them.

The grammar is left to llhttp, the parser of Node.js; here are the limits, and what `HttpResponse`
wants to hold.
"""

from typing import Final

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from hubbub.sdk.values import Headers, HttpResponse

_INFORMATIONAL: Final = range(100, 200)
_SWITCHING: Final = 101
#: Fields of a head, and its bytes. Real answers have some twenty, in two thousand.
_MOST_FIELDS: Final = 200
_MOST_HEAD: Final = 1 << 17


class Broken(Exception):
    """What came is no whole answer; the text says in what way."""


class TooLarge(Exception):
    """The answer exceeds its limit."""

    def __init__(self) -> None:
        super().__init__("the answer is too large")


class Answer:
    """The answer to one request; interim answers (1xx) before it are passed over.

    Its methods whose names begin with ``on_`` are the parser's to call.
    """

    def __init__(self, method: str, *, limit: int) -> None:
        """``limit``: how many bytes its body may have."""
        self._no_body = method == "HEAD"
        self._limit = limit
        self._left = limit
        self._fields: dict[str, str] = {}
        self._count = 0
        self._pieces: list[bytes] = []
        self._begun = self._to_end = False
        self._head = 0
        #: Whether all of it is there.
        self.whole = False
        #: Whether the connection may carry another request.
        self.reusable = False
        self._parser = HttpResponseParser(self)
        # Gateways that end lines with a line feed alone, or tell a length twice, mean no harm:
        # whoever answers could as well have said something else.
        self._parser.set_dangerous_leniencies(
            lenient_optional_cr_before_lf=True, lenient_chunked_length=True
        )

    def feed(self, data: bytes) -> None:
        """Take what came; no bytes are the end of the connection.

        Raises `Broken` for what is no answer, and `TooLarge`.
        """
        if not data:
            self._end()
            return
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade:
            self._complete(reusable=False)
        except HttpParserError as error:
            # What follows a whole answer belongs to nothing.
            self.reusable = False
            if not self.whole:
                raise Broken("the answer is no valid HTTP") from error
        if self._left < 0:
            raise TooLarge
        if not self._begun:
            self._head += len(data)
        if self._count > _MOST_FIELDS or self._head > _MOST_HEAD:
            raise Broken("the answer is no valid HTTP")

    def response(self) -> HttpResponse:
        """Return the answer, once it is whole."""
        return HttpResponse(
            status=self._parser.get_status_code(),
            headers=Headers(self._fields),
            body=b"".join(self._pieces),
        )

    def on_message_begin(self) -> None:
        """A message begins; after a whole answer that is one that nobody asked for."""
        self.reusable = self.reusable and not self.whole

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field of a head or a trailer."""
        self._count += 1
        if self.whole or self._count > _MOST_FIELDS:
            return
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        fields = self._fields
        fields[key] = f"{fields[key]}, {text}" if key in fields else text

    def on_headers_complete(self) -> None:
        """The head is there."""
        if self.whole or self._interim():
            return
        self._begun = True
        length = self._fields.get("content-length")
        chunked = self._fields.get("transfer-encoding", "").lower().endswith("chunked")
        if self._no_body:
            self._complete(reusable=self._parser.should_keep_alive())
        elif chunked:
            pass
        elif length is None:
            self._to_end = True
        elif length.isdecimal() and int(length) > self._limit:
            self._left = -1

    def on_body(self, piece: bytes) -> None:
        """Take a piece of the body."""
        if self.whole:
            self.reusable = False  # the body of an answer that must not have one
            return
        self._left -= len(piece)
        self._pieces.append(piece)

    def on_message_complete(self) -> None:
        """A message is whole: the answer, or an interim one."""
        if self.whole:
            return
        if self._interim():
            self._fields.clear()
            self._head = 0
        else:
            self._complete(reusable=self._parser.should_keep_alive())

    def _interim(self) -> bool:
        status = self._parser.get_status_code()
        return status in _INFORMATIONAL and status != _SWITCHING

    def _complete(self, *, reusable: bool) -> None:
        self.whole = True
        self.reusable = reusable

    def _end(self) -> None:
        if not self._begun:
            raise Broken("it closed the connection without an answer")
        if not self._to_end:
            raise Broken("the answer broke off")
        self._complete(reusable=False)
