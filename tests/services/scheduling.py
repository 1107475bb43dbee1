"""Share the tests out among the workers of pytest-xdist, file by file."""

from typing import Any

from xdist.scheduler import LoadScopeScheduling

JOURNEYS = "tests/journeys"


class ByFile(LoadScopeScheduling):  # type: ignore[misc]  # pytest-xdist has no types
    """Gives a file to one worker, which so makes once what its tests share.

    All journeys are one worker's: there is one demo for them, and one browser. They take longest
    and come first (`journeys_first`), while the other workers do the rest in its order.
    """

    def __init__(self, config: Any, log: Any) -> None:
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return JOURNEYS if nodeid.startswith(JOURNEYS) else nodeid.partition("::")[0]


def journeys_first(items: list[Any]) -> None:
    """Put the journeys at the beginning."""
    items.sort(key=lambda item: not item.nodeid.startswith(JOURNEYS))
