"""A bounded memory for what is dear to make: the oldest goes first."""

from __future__ import annotations

from typing import Any


def remembered(limit: int) -> dict[Any, Any]:
    """A bounded memory; the oldest goes first."""
    return _Bounded(limit)


class _Bounded(dict[Any, Any]):
    def __init__(self, limit: int) -> None:
        super().__init__()
        self._limit = limit

    def __setitem__(self, key: Any, value: Any) -> None:
        if len(self) >= self._limit:
            self.pop(next(iter(self)), None)
        super().__setitem__(key, value)
