"""What follows from the figures alone."""

from __future__ import annotations

from serve.kernel.errors import Invalid


def change_share(value: float | None, previous: float | None) -> float | None:
    """Growth against the earlier value: 0.25 is a quarter more. Empty when there is nothing to grow from."""
    if value is None or previous is None or previous == 0:
        return None
    return (value - previous) / abs(previous)


def names(words: str | None, known: tuple[str, ...], *, parameter: str) -> tuple[str, ...]:
    """The comma-separated names, in their order and once each; all when none is given. Raises Invalid."""
    if words is None:
        return known
    asked = tuple(dict.fromkeys(word.strip() for word in words.split(",") if word.strip()))
    if not asked:
        raise Invalid(details=[(parameter, f"names nothing; there are: {', '.join(known)}")])
    if unknown := [word for word in asked if word not in known]:
        raise Invalid(details=[(parameter, f"{', '.join(unknown)}: unknown; there are: {', '.join(known)}")])
    return asked
