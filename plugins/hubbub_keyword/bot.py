"""Answer messages in which certain words stand."""

import re
from typing import Final

from pydantic import Field, model_validator

from hubbub.sdk import (
    Choice,
    Choices,
    Content,
    Exchange,
    Fields,
    HandOver,
    Inquiry,
    Option,
    Outcome,
    Reply,
    RouteType,
    System,
    Text,
)

_WORD: Final = re.compile(r"\w+")


class OptionFields(Fields):
    """One option to pick from."""

    id: str = Field(min_length=1, max_length=200)
    title: str = Field(min_length=1, max_length=200)


class ChoicesFields(Fields):
    """A question with options."""

    text: str = Field(min_length=1)
    options: tuple[OptionFields, ...] = Field(min_length=1, max_length=10)


class Answer(Fields):
    """What to say when one of the words in ``match`` (``hello|hi``) stands in the message."""

    match: str = Field(min_length=1, title="Words, separated by |")
    reply: str | None = Field(None, min_length=1)
    choices: ChoicesFields | None = None

    @model_validator(mode="after")
    def _says_something(self) -> "Answer":
        if (self.reply is None) == (self.choices is None):
            raise ValueError("give either a reply or choices")
        return self

    @property
    def words(self) -> frozenset[str]:
        """The words that it answers, without regard to case."""
        return frozenset(word.strip().casefold() for word in self.match.split("|"))


class KeywordFields(Fields):
    """The settings of the destination ``keyword``."""

    answers: tuple[Answer, ...] = ()
    greeting: str | None = Field(None, title="What to say when a conversation starts")
    otherwise: str | None = Field(None, title="What to say when no word fits; empty: pass it on")
    hand_over: str = Field("human|agent|person", title="Words that call for a person")


class Keyword(RouteType):
    """Answers by keyword, and knows when to call people."""

    type = "keyword"
    label = "Keyword bot"
    description = "Answers messages with certain words, within the hub."
    fields = KeywordFields
    automatic = True

    def handle(self, inquiry: Inquiry, settings: KeywordFields) -> Exchange[Outcome]:
        """Answer at once; no request is needed."""
        yield from ()
        return _outcome(inquiry.content, settings)


def _outcome(content: Content, settings: KeywordFields) -> Outcome:
    if isinstance(content, System) and settings.greeting:
        return _say(Text(text=settings.greeting), "The conversation started.")
    words = _words(content)
    if words & {word.strip().casefold() for word in settings.hand_over.split("|")}:
        return Outcome(actions=(HandOver(reason="asked for"),), why="The contact wants a person.")
    for answer in settings.answers:
        if words & answer.words:
            return _say(_answer(answer), f"A word of {answer.match!r} stands in it.")
    if settings.otherwise:
        return _say(Text(text=settings.otherwise), "No word fitted.")
    return Outcome(passed=True, why="No word fitted.")


def _say(content: Content, why: str) -> Outcome:
    return Outcome(actions=(Reply(content=content),), why=why)


def _answer(answer: Answer) -> Content:
    if answer.choices is None:
        return Text(text=answer.reply or "")
    options = tuple(Option(id=one.id, title=one.title) for one in answer.choices.options)
    return Choices(text=answer.choices.text, options=options)


def _words(content: Content) -> set[str]:
    match content:
        case Text(text=text):
            said = text
        case Choice(id=choice, title=title):
            said = f"{choice} {title}"
        case _:
            said = ""
    return {word.casefold() for word in _WORD.findall(said)}
