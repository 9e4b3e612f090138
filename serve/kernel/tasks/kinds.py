"""What kinds of tasks there are, and how many of them run at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from serve.kernel.tasks.work import Work

Handler = Callable[["Work"], Awaitable[Any]]
"""Carries a task out; gives its result, a JSON object or None. It may be called again after a crash: what must happen
once belongs into steps."""


@dataclass(frozen=True, slots=True)
class Kind:
    """``most_attempts`` counts tries without progress: a step that ends begins the count anew. A step that takes longer
    than ``longest_s`` is cut off, and was a try that failed. What ``goes_on`` is done for a tenant that stands still
    too."""

    name: str
    run: Handler
    queue: str
    most_attempts: int
    longest_s: float
    goes_on: bool = False


class Queue(NamedTuple):
    """How much of it one tenant may have: tasks at once, and (if it says) starts in a period."""

    at_once: int
    limit: int | None = None
    period_s: float | None = None


KINDS: dict[str, Kind] = {}


def task(
    name: str,
    *,
    queue: str = "default",
    most_attempts: int = 5,
    longest_s: float = 900.0,
    goes_on: bool = False,
) -> Callable[[Handler], Handler]:
    """Declare a kind of task: ``@task("contacts.import", queue="files")`` above its handler."""

    def declare(handler: Handler) -> Handler:
        KINDS[name] = Kind(name, handler, queue, most_attempts, longest_s, goes_on)
        return handler

    return declare


def going_on() -> list[str]:
    """The kinds that are done although their tenant stands still."""
    return sorted(kind.name for kind in KINDS.values() if kind.goes_on)


class QueueMissing(ValueError):
    """A kind of task waits in a queue that no worker looks at."""


def check_queues(queues: Mapping[str, Queue]) -> None:
    """Raises QueueMissing."""
    for kind in KINDS.values():
        if kind.queue not in queues:
            raise QueueMissing(
                f"TASK_QUEUES names no queue '{kind.queue}', in which tasks of the kind '{kind.name}' wait;"
                f" add '{kind.queue}=4' to it."
            )


def parse_queues(text: str) -> dict[str, Queue]:
    """Queues as the setting writes them: ``name=at once`` or ``name=at once@starts/seconds``. Raises ValueError.

    >>> parse_queues("default=4, mails=2@60/60")
    {'default': Queue(at_once=4, limit=None, period_s=None), 'mails': Queue(at_once=2, limit=60, period_s=60.0)}
    """
    queues = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, numbers = part.partition("=")
        at_once, _, rate = numbers.partition("@")
        limit, _, period_s = rate.partition("/")
        try:
            queue = Queue(int(at_once), int(limit), float(period_s)) if rate else Queue(int(at_once))
        except ValueError:
            queue = Queue(0)
        if (
            not name.isidentifier()
            or queue.at_once < 1
            or (rate and min(queue.limit or 0, queue.period_s or 0) <= 0)
        ):
            raise ValueError(f"'{part}' is no queue: write 'default=4' or 'mails=2@60/60' (starts/seconds)")
        queues[name] = queue
    return queues
