"""Agree on what customers say and bots answer, so that everybody knows which answer is due."""

from typing import Any

#: How many different things there are to say, and to be answered: as much as a keyword bot knows.
WORDS = 200
#: What comes before a saying to make three segments of it, of which the last one has it whole: in
#: the alphabet of SMS, and in the other one.
PREAMBLES = ("and so on, " * 30, "и так далее, " * 12)


def saying(place: int) -> str:
    """Return what is said at this place of a conversation."""
    return f"say w{place:03}"


def answer_to(text: str) -> str:
    """Return what a bot answers to a saying, also in other words."""
    return f"answer {text[-3:]}"


def lexicon() -> list[dict[str, Any]]:
    """Return all that as a keyword bot learns it."""
    sayings = map(saying, range(WORDS))
    return [{"match": one.removeprefix("say "), "reply": answer_to(one)} for one in sayings]
