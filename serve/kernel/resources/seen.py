"""Resources of which not everybody who may read the kind may read every row."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from serve.kernel.caller import Caller


@dataclass(frozen=True, slots=True)
class Seen:
    """Which rows of their tenants a caller sees; the others are not there for them.

    ``sql`` is a condition on the row ``t`` with places for values, ``{0}``, ``{1}``; ``values`` says them for a caller.
    A plan is kept for all callers, so it binds ``OfCaller`` in their place.
    """

    sql: str
    values: Callable[[Caller], tuple[Any, ...]]
    count: int

    def condition(self, bind: Callable[[Any], str]) -> str:
        return self.sql.format(*(bind(OfCaller(self, place)) for place in range(self.count)))


class OfCaller(NamedTuple):
    """Stands for a value that depends on who asks."""

    seen: Seen
    place: int


def for_caller(values: Iterable[Any], caller: Caller) -> tuple[Any, ...]:
    """What is bound when this caller asks."""
    return tuple(
        each.seen.values(caller)[each.place] if isinstance(each, OfCaller) else each for each in values
    )
