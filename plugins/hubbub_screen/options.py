"""Describe the lists of an operator, and validate them."""

from typing import Annotated, TypeAlias

from pydantic import AfterValidator, Field

from hubbub.sdk import Fields


def _address(value: str) -> str:
    value = value.strip().casefold()
    if not value.strip("*"):
        raise ValueError("It would block everybody: write an address, or the start of one and *")
    if "*" in value[:-1]:
        raise ValueError("A * may only stand at the end")
    return value


def _words(value: str) -> str:
    value = " ".join(value.casefold().split())
    if not value:
        raise ValueError("It is empty and would fit every message")
    return value


#: An address, or the start of one with ``*`` behind it.
Address: TypeAlias = Annotated[str, AfterValidator(_address)]
#: Words as they may stand in a message, in any case.
Words: TypeAlias = Annotated[str, AfterValidator(_words)]


class ScreenOptions(Fields):
    """What stands under ``[plugins.screen]``."""

    block: tuple[Address, ...] = Field(
        (), description="Nothing from these addresses is stored, nothing to them is sent."
    )
    quarantine: tuple[Words, ...] = Field(
        (), description="A message that came in with these words is set aside."
    )
    hold: tuple[Words, ...] = Field(
        (), description="A message with these words is only sent once a person releases it."
    )
    hold_people: bool = Field(
        default=False, description="Hold what agents write as well, not only bots and the API."
    )
