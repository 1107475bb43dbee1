"""Check that a message is fitted to the channel and put into requests whole."""

from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from hypothesis import strategies as st

from hubbub.sdk import (
    ATTACHMENT_TYPES,
    Accepted,
    Attachment,
    Choices,
    Content,
    Draft,
    File,
    HttpRequest,
    Multipart,
    Option,
    Part,
    SendError,
    Text,
    Unsupported,
)
from hubbub.testing.applies import has_a_provider, only_where
from hubbub.testing.exchanges import spoken
from hubbub.testing.given import STAND_IN, Given
from hubbub.testing.samples import for_all

_LONGEST_WAIT: Final = timedelta(minutes=2)
_WORD: Final = "Zebra42"
_HOSTILE: Final = (
    "/../../admin",
    "?x=1&to=2#",
    "@evil.example/",
    "\r\nX-Injected: 1",
    "%0d%0aX: 1",
)
_METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})


class OutboundChecks(Given):
    """``render`` and ``send``."""

    # --- render ----------------------------------------------------------------------------

    def test_everything_is_rendered_or_unsupported(self, content: Content) -> None:
        can = content.type in self.kind.capabilities.outbound
        parts = self._render(content) if can else self._parts(content)
        assert parts is None or parts, "Nothing is left of the message."

    def test_every_part_is_of_a_kind_that_is_declared(self, content: Content) -> None:
        for part in self._parts(content) or ():
            assert part.content.type in self.kind.capabilities.outbound, (
                f"A part is {part.content.type}, which the manifest does not declare."
            )

    def test_parts_go_where_the_message_goes(self, content: Content) -> None:
        for part in self._parts(content) or ():
            assert part.address == self.address, f"A part goes to {part.address}."
            assert part.reference == self.part().reference, "A part has lost our reference."

    def test_at_most_the_first_part_quotes(self) -> None:
        text = Text(text="word " * self.kind.capabilities.text_limit)
        quoting = [part.reply_to_external_id for part in self._render(text, quoted="1:1")]
        assert set(quoting[1:]) <= {None}, "More than the first part quotes."

    def test_a_text_within_the_limit_stays_whole(self) -> None:
        texts = self._texts(Text(text="Ready at five."))
        assert texts == ["Ready at five."], f"It is rendered as {texts}."

    def test_no_part_is_over_the_limit(self) -> None:
        limit = self.kind.capabilities.text_limit

        def check(seed: str) -> None:
            text = (seed * (3 * limit // len(seed) + 1))[: 2 * limit + len(seed)]
            longest = max(map(self._units, self._texts(Text(text=text))))
            assert longest <= limit, f"A part has {longest} units of {limit}: {seed!r} repeated."

        for seed in ("x", "word ", "😀", "👩‍👩‍👧", "ü\n", "a\n\nb"):
            check(seed)
        for_all(st.text(st.characters(exclude_categories=("C", "Z")), min_size=1), check)

    def test_no_word_is_lost_where_a_text_is_split(self) -> None:
        count = self.kind.capabilities.text_limit // 3
        words = [f"word{number}" for number in range(count)]
        said = " ".join(self._texts(Text(text=" ".join(words)))).split()
        # A word at a border may be cut in two.
        assert "".join(said) == "".join(words), "Words are lost or doubled where it is split."

    def test_a_long_caption_is_not_lost(self) -> None:
        carried = sorted(self.kind.capabilities.outbound & ATTACHMENT_TYPES)
        for name in carried:
            sample: Any = self.sample(name)
            words = [f"word{number}" for number in range(self.kind.capabilities.caption_limit // 4)]
            captioned = Attachment(type=name, media=sample.media, caption=" ".join(words))  # type: ignore[arg-type]  # one of them
            parts = self._render(captioned)
            captions = [getattr(part.content, "caption", None) or "" for part in parts]
            longest = max(map(self._units, captions))
            assert longest <= self.kind.capabilities.caption_limit, "A caption is over the limit."
            said = "".join(_said(part.content) for part in parts)
            assert "".join(said.split()) == "".join(words), f"Of {name} the caption is not whole."

    def test_options_beyond_the_limit_become_a_menu(self) -> None:
        count = self.kind.capabilities.options + 1
        options = tuple(Option(id=f"o{n}", title=f"Title{n}") for n in range(count))
        parts = self._render(Choices(text="Which one?", options=options))
        said = " ".join(_said(part.content) for part in parts)
        lost = [option.title for option in options if option.title not in said]
        assert not lost, f"The options {lost} are lost."

    # --- requests --------------------------------------------------------------------------

    def test_what_is_declared_is_sent(self, carried_content: Content) -> None:
        for part in self._render(carried_content):
            ran, _ = self.send(*self.answers_to(part.content.type), part=part)
            assert ran.error is None, f"{carried_content.type} fails: {ran.error!r}."
            assert isinstance(ran.value, Accepted), f"send returned {ran.value!r}."

    def test_a_sent_text_is_known_by_the_id_of_the_provider(self) -> None:
        ran, _ = self.send(*self.accepted)
        accepted: Any = ran.value
        assert accepted is not None, f"It was not accepted: {ran.error!r}."
        assert accepted.external_id == self.external_id, f"Its id is {accepted.external_id!r}."

    @only_where(has_a_provider)
    def test_the_words_are_in_the_request(self) -> None:
        _, transport = self.send(*self.accepted)
        assert any(_WORD in spoken(one) for one in transport.requests), "The text is not sent."

    def test_requests_are_sound(self, carried_content: Content) -> None:
        for part in self._render(carried_content):
            _, transport = self.send(*self.answers_to(part.content.type), part=part)
            for request in transport.requests:
                self._check_sound(request)

    @only_where(has_a_provider)
    def test_a_send_is_not_marked_safe(self) -> None:
        _, transport = self.send(*self.accepted)
        assert not all(one.safe for one in transport.requests), (
            "Every request is marked safe, so the hub may repeat it and double the message."
        )

    @only_where(has_a_provider)
    def test_the_base_address_can_be_changed(self) -> None:
        request = next(self.kind.send(self.part(), self.connection(api_base=f"{STAND_IN}/deep")))
        assert request.url.startswith(f"{STAND_IN}/deep"), "settings.api_base is not heeded."

    @only_where(has_a_provider)
    def test_a_hostile_address_reaches_no_other_place(self) -> None:
        connection = self.connection(api_base=STAND_IN)
        honest = next(self.kind.send(self.part(), connection))
        for tail in _HOSTILE:
            for address in (tail, self.address + tail):
                try:
                    request = next(self.kind.send(self.part(address=address), connection))
                except SendError:
                    continue  # it was found out
                assert _place(request).netloc == _place(honest).netloc, f"{address!r} moves it."
                steps = _place(request).path.split("/")
                assert ".." not in steps, f"{address!r} climbs in the path."
                self._check_sound(request)

    @only_where(has_a_provider)
    def test_a_hostile_text_stays_a_text(self) -> None:
        honest = next(self.kind.send(self.part(), self.connection()))
        for tail in _HOSTILE:
            part = self.part(Text(text=f"Hi{tail}"))
            request = next(self.kind.send(part, self.connection()))
            assert _place(request)[:3] == _place(honest)[:3], f"{tail!r} changes the address."
            self._check_sound(request)

    def _check_sound(self, request: HttpRequest) -> None:
        assert isinstance(request, HttpRequest), f"send yields {request!r}."
        assert request.method in _METHODS, f"The method is {request.method!r}."
        assert _place(request).scheme in {"http", "https"}, "The address is none of the web."
        assert timedelta() < request.timeout <= _LONGEST_WAIT, f"It waits {request.timeout}."
        known = isinstance(request.body, bytes | Multipart | File)
        assert known, "The body is neither bytes nor a form nor a file."
        for text in (request.url, *request.headers, *request.headers.values()):
            assert text.isprintable(), "The address or a header holds a line break or the like."
        assert request.url.isascii(), "The address is not quoted."

    def _render(self, content: Content, quoted: str | None = None) -> tuple[Part, ...]:
        draft = Draft(content=content, reply_to_external_id=quoted)
        return tuple(self.kind.render(draft, self.part(), self.connection()))

    def _parts(self, content: Content) -> tuple[Part, ...] | None:
        """Return the parts of ``content``, or None where it cannot be said."""
        try:
            return self._render(content)
        except Unsupported as error:
            self._explained(error)
            return None

    def _explained(self, error: Unsupported) -> None:
        assert error.detail, "Why it cannot be said is not said."

    def _texts(self, content: Content) -> list[str]:
        return [_said(part.content) for part in self._render(content)]

    def _units(self, text: str) -> int:
        if self.kind.capabilities.text_unit == "utf16":
            return len(text.encode("utf-16-le")) // 2
        return len(text)


def _said(content: Any) -> str:
    titles = " ".join(option.title for option in getattr(content, "options", ()))
    words = getattr(content, "text", None) or getattr(content, "caption", None) or ""
    return f"{words} {titles}".strip()


def _place(request: HttpRequest) -> Any:
    return urlsplit(request.url)
