"""How a call to the outside can fail. The texts are ours: they hold no secret and no stranger's words."""

from __future__ import annotations


class OutError(Exception):
    """Base of all of them."""


class AddressRefused(OutError):
    """The address is one that we do not go to. Nothing was sent."""


class Unreachable(OutError):
    """No connection came about. Nothing was sent; ``was_slow`` if that took too long."""

    def __init__(self, why: str, *, was_slow: bool = False) -> None:
        super().__init__(why)
        self.was_slow = was_slow


class Unanswered(OutError):
    """The request may have arrived, whole or in part, and nobody said what became of it."""

    def __init__(self, why: str, *, was_slow: bool = False) -> None:
        super().__init__(why)
        self.was_slow = was_slow


class TooLarge(OutError):
    """The answer is longer than we read."""
