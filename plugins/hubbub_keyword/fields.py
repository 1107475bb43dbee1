"""Describe what a keyword bot knows, and validate it."""

from typing import Annotated, Any, Final, Literal, Self, TypeAlias

from pydantic import AfterValidator, Field, model_validator

from hubbub.sdk import Choices, Fields, Option, Reply, Text

#: What hands a conversation to people unless the bot is told otherwise.
HUMAN = "human|agent|person"
#: More than a line may be written.
_LINES: Final[dict[str, Any]] = {"format": "multiline"}


def _words(text: str) -> str:
    if not all(word.strip() for word in text.split("|")):
        raise ValueError("Write words with | between them, such as: hello|good morning")
    return text


Words: TypeAlias = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_words)]


class OptionFields(Fields):
    """One option to pick from."""

    id: str = Field(min_length=1, max_length=100)
    title: str = Field(min_length=1, max_length=100)
    description: str | None = Field(None, max_length=200)


class ChoicesFields(Fields):
    """A question with options."""

    text: str = Field(min_length=1, max_length=2000)
    options: tuple[OptionFields, ...] = Field(min_length=1, max_length=20)

    @model_validator(mode="after")
    def _ids_differ(self) -> Self:
        if len({option.id for option in self.options}) < len(self.options):
            raise ValueError("Two options have the same id: nobody could tell which was picked.")
        return self


class AnswerFields(Fields):
    """What to answer to which words."""

    match: Words = Field(title="Words", description="Any of these, with | between them.")
    reply: str | None = Field(
        None, title="Answer", min_length=1, max_length=4000, json_schema_extra=_LINES
    )
    choices: ChoicesFields | None = Field(None, title="Question with options")

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if (self.reply is None) == (self.choices is None):
            raise ValueError(
                "Give either an answer ('reply') or a question with options ('choices')."
            )
        return self

    @property
    def action(self) -> Reply:
        """The answer as the hub carries it out."""
        if self.choices is None:
            return Reply(content=Text(text=self.reply or ""))
        options = tuple(Option(**dict(option)) for option in self.choices.options)
        return Reply(content=Choices(text=self.choices.text, options=options))


class KeywordFields(Fields):
    """All that a keyword bot knows."""

    answers: tuple[AnswerFields, ...] = Field(
        (), title="Answers", description="The first that fits is given.", max_length=200
    )
    greeting: str = Field(
        "",
        title="Greeting",
        description="Said when somebody opens the chat.",
        max_length=4000,
        json_schema_extra=_LINES,
    )
    hand_over: Words = Field(
        HUMAN, title="Words for a person", description="They hand the conversation to people."
    )
    farewell: str = Field(
        "",
        title="Before handing over",
        description="Said first.",
        max_length=4000,
        json_schema_extra=_LINES,
    )
    otherwise: Literal["pass"] | Annotated[str, Field(min_length=1, max_length=4000)] = Field(
        "pass",
        title="When nothing fits",
        description="pass: the channel's fallback takes the message. Else: what to answer.",
        json_schema_extra=_LINES,
    )
