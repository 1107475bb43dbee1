"""Find the answer to a message by the words in it."""

import re
from functools import lru_cache

from hubbub.sdk import (
    Attachment,
    Choice,
    Content,
    Email,
    Exchange,
    HandOver,
    Inquiry,
    Outcome,
    Reply,
    RouteType,
    System,
    Text,
)
from hubbub_keyword.fields import KeywordFields


class KeywordBot(RouteType):
    """A bot that looks for words; it runs in the hub and asks nobody."""

    type = "keyword"
    label = "Keyword bot"
    description = "Answers by the words of a message; needs no server."
    fields = KeywordFields
    automatic = True

    def handle(self, inquiry: Inquiry, settings: KeywordFields) -> Exchange[Outcome]:
        """Answer, hand over, or pass."""
        yield from ()
        return answer(inquiry.content, settings)

    def doubt(self, settings: KeywordFields) -> str:
        """Ask back where it has nothing to say to messages."""
        if settings.answers or settings.otherwise != "pass":
            return ""
        return "The bot has no answers yet, and passes what it is given on to the fallback."


def answer(content: Content, bot: KeywordFields) -> Outcome:
    """Return what ``bot`` does about ``content``."""
    if isinstance(content, System):
        return _greet(content, bot)
    said = _said(content)
    if word := _found(bot.hand_over, said):
        return _hand_over(word, bot)
    for known in bot.answers:
        if word := _found(known.match, said):
            return Outcome(actions=(known.action,), why=f"The message has “{word}”.")
    if bot.otherwise == "pass":
        return Outcome(passed=True, why="The bot knows no answer.")
    return Outcome(
        actions=(Reply(content=Text(text=bot.otherwise)),),
        why="The bot knows no answer and says so.",
    )


def _greet(content: System, bot: KeywordFields) -> Outcome:
    if content.event != "started":
        return Outcome(passed=True, why="The bot answers nothing but messages.")
    if not bot.greeting:
        return Outcome(why="The chat was opened, and the bot has no greeting.")
    return Outcome(actions=(Reply(content=Text(text=bot.greeting)),), why="The chat was opened.")


def _hand_over(word: str, bot: KeywordFields) -> Outcome:
    why = f"The contact asked for a person: “{word}”."
    hand_over = HandOver(to="queue", reason=why)
    if not bot.farewell:
        return Outcome(actions=(hand_over,), why=why)
    return Outcome(actions=(Reply(content=Text(text=bot.farewell)), hand_over), why=why)


def _said(content: Content) -> tuple[str, ...]:
    match content:
        case Text(text=text):
            said: tuple[str | None, ...] = (text,)
        case Choice(id=option, title=title):
            said = (option, title)
        case Attachment(caption=caption):
            said = (caption,)
        case Email(subject=subject, new=text):
            said = (subject, text)
        case _:
            said = ()
    return tuple(" ".join(one.casefold().split()) for one in said if one)


def _found(words: str, said: tuple[str, ...]) -> str | None:
    """Return the first of ``words`` that stands as a word of its own in ``said``."""
    for word, folded, pattern in _patterns(words):
        if any(folded in one and pattern.search(one) for one in said):
            return word
    return None


@lru_cache(maxsize=256)
def _patterns(words: str) -> tuple[tuple[str, str, re.Pattern[str]], ...]:
    """Return each of ``words`` with its form for comparing and what finds it as a whole word."""
    each = [" ".join(one.split()) for one in words.split("|")]
    return tuple(
        (word, folded, re.compile(rf"(?<!\w){re.escape(folded)}(?!\w)"))
        for word, folded in ((word, word.casefold()) for word in each)
    )
