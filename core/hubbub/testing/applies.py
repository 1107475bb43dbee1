"""Leave out of a suite the checks that do not apply to its channel type.

They are not skipped: what is skipped looks like what could not run, and hides in a green build. A
suite has the checks of what its channel type says it can do, and no others.
"""

from collections.abc import Callable
from typing import Any, Final, TypeAlias, TypeVar

from hubbub.sdk import ChannelType

Check = TypeVar("Check", bound=Callable[..., Any])
Condition: TypeAlias = Callable[[Any], object]
_CONDITIONS: Final = "applies_where"


def only_where(*conditions: Condition) -> Callable[[Check], Check]:
    """Give a check, or all of a class, only to suites of which all ``conditions`` hold."""

    def marked(check: Check) -> Check:
        setattr(check, _CONDITIONS, conditions)
        return check

    return marked


def does(method: str) -> Condition:
    """Hold where the channel type has a ``method`` of its own."""
    return lambda suite: getattr(suite.channel_type, method) is not getattr(ChannelType, method)


def has_a_provider(suite: Any) -> bool:
    """Hold where somebody is asked who answers, and the hub itself is not the provider."""
    return bool(suite.asks)


def leave_out(suite: type, kit: type) -> None:
    """Take from ``suite`` the checks of ``kit`` that do not apply, and give back those that do.

    A suite may derive from another, so both happen. What its author overrides stays as it is.
    """
    for name in dir(kit):
        check = getattr(kit, name)
        owner = next(one for one in kit.__mro__ if name in vars(one))
        conditions = (*getattr(check, _CONDITIONS, ()), *vars(owner).get(_CONDITIONS, ()))
        if not conditions or name in vars(suite):
            continue
        if not all(holds(suite()) for holds in conditions):
            setattr(suite, name, None)  # pytest collects only what can be called
        elif getattr(suite, name) is None:
            setattr(suite, name, check)
