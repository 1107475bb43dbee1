"""Ask conditions that plugins offer; what they do wrong keeps a rule from matching, no more."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import structlog
from pydantic import BaseModel, ValidationError, ValidationInfo

from hubbub.route import Subject, problems, shorten
from hubbub.sdk.errors import HubError
from hubbub.sdk.types import ConditionType

log = structlog.get_logger(__name__)


class Unasked(HubError):
    """A condition could not be asked, so that its rule does not match; the text says why."""

    code = "condition_unasked"


@dataclass(frozen=True)
class Custom:
    """What a rule asks of a plugin's condition; ``settings`` are JSON in its one form."""

    type: str
    settings: str
    #: How it reads.
    what: str = field(compare=False)
    #: Raises `Unasked`.
    holds: Callable[[Subject], bool] = field(compare=False, repr=False)
    #: Why it cannot be used; empty when it can.
    wrong: str = field(default="", compare=False)


def read_customs(value: object, info: ValidationInfo) -> tuple[Custom, ...]:
    """Return the conditions that ``{"<type>": {...}}`` asks for; the context holds their kinds.

    One that cannot be used is returned too, and says so when it is asked. Raises `ValueError`.
    """
    if not isinstance(value, Mapping) or not value:
        raise ValueError('Name conditions of plugins, such as {"language": {"is": "de"}}.')
    kinds: Mapping[str, ConditionType] = info.context or {}
    return tuple(_custom(str(name), given, kinds.get(str(name))) for name, given in value.items())


def _custom(name: str, given: object, kind: ConditionType | None) -> Custom:
    written = json.dumps(given, sort_keys=True, ensure_ascii=False)
    if kind is None:
        wrong = f"No loaded plugin offers the condition {shorten(name, 40)!r}."
        return Custom(name, written, name, _unasked(wrong), wrong)
    try:
        settings = kind.fields.model_validate(given)
        return Custom(name, written, kind.describe(settings), _asking(kind, settings))
    except ValidationError as error:
        wrong = " ".join(f"{name}.{where}: {what}" for where, what in problems(error))
    # A plugin may fail in any way; the other rules stand.
    except Exception as error:
        log.exception("condition failed", condition=name)
        wrong = f"The condition {name} failed: {type(error).__name__}."
    return Custom(name, written, name, _unasked(wrong), wrong)


def _asking(kind: ConditionType, settings: BaseModel) -> Callable[[Subject], bool]:
    def holds(subject: Subject) -> bool:
        try:
            return bool(kind.holds(subject, settings))
        # As above.
        except Exception as error:
            log.exception("condition failed", condition=kind.type)
            raise Unasked(f"The condition failed: {type(error).__name__}.") from None

    return holds


def _unasked(wrong: str) -> Callable[[Subject], bool]:
    def holds(subject: Subject) -> bool:
        del subject
        raise Unasked(wrong)

    return holds
