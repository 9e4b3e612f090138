"""Guards whose tests stand with their domain: one is taken away, and a test that is there anyway must fail.

Each entry names the narrowest test that notices. All of a file share a firm; after the last guard each of the tests is
run once more on the same rows, with everything in its place: what fails then as well would have noticed nothing.

A file brings what its tests ask for by name (``editor = test_articles.editor``): fixtures of another file are unknown.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.serve.firm import Firm

Harm = Callable[[Firm], AbstractContextManager[None]]
FAILED = (AssertionError, LookupError, ValueError, pytest.fail.Exception)
"""How a test fails that finds something else than it was promised."""


@dataclass(frozen=True)
class Guard:
    """``test`` notices that ``harm`` was done; ``given`` are its parameters that are no fixtures."""

    harm: Harm
    test: Callable[..., Any]
    given: Mapping[str, Any] = field(default_factory=dict)


def instead(owner: object, name: str, careless: object) -> Harm:
    """Something that looks at nothing in the place of what guards."""

    @contextmanager
    def harm(firm: Firm) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(owner, name, careless)
            yield

    return harm


def without(owner: object, name: str, words: str, by: str = "") -> Harm:
    """A statement that lacks some of its words."""
    statement = getattr(owner, name)
    assert words in statement, f"{name} does not say: {words}"
    return instead(owner, name, statement.replace(words, by))


def sql(harmful: str, mended: str) -> Harm:
    """As the superuser, in the firm's own database."""

    @contextmanager
    def harm(firm: Firm) -> Iterator[None]:
        firm.sql(harmful)
        try:
            yield
        finally:
            firm.sql(mended)

    return harm


def both(*harms: Harm) -> Harm:
    """Guards of which each alone would do."""

    @contextmanager
    def harm(firm: Firm) -> Iterator[None]:
        with ExitStack() as all_of_them:
            for each in harms:
                all_of_them.enter_context(each(firm))
            yield

    return harm


async def looks_away(*given: Any, **named: Any) -> None:
    """In the place of what is awaited."""


@dataclass(frozen=True)
class Case:
    """A guard that is taken away, or with ``is_there`` one that is not."""

    guard: Guard
    is_there: bool = False

    def hold(self, request: pytest.FixtureRequest, firm: Firm) -> None:
        """Raises AssertionError where the test passes without the guard, or the service breaks down instead."""
        if self.is_there:
            self._run(request)
            return
        with breakdowns() as said, self.guard.harm(firm), pytest.raises(FAILED):
            self._run(request)
        assert not said, "the guard is to be missing, not to break"

    def _run(self, request: pytest.FixtureRequest) -> None:
        test, given = self.guard.test, self.guard.given
        wanted = [name for name in inspect.signature(test).parameters if name not in given]
        done = test(**{name: request.getfixturevalue(name) for name in wanted}, **given)
        if inspect.iscoroutine(done):
            asyncio.run(done)


def cases(guards: Mapping[str, Guard]) -> list[Any]:
    """For ``parametrize``: each guard, then each of the tests."""
    tests = {(guard.test.__qualname__, str(guard.given)): guard for guard in guards.values()}
    return [
        *(pytest.param(Case(guard), id=name) for name, guard in guards.items()),
        *(pytest.param(Case(guard, is_there=True), id=name) for (name, _), guard in tests.items()),
    ]


@contextmanager
def breakdowns() -> Iterator[list[str]]:
    """What the service says of requests that it could not answer."""
    said: list[str] = []

    class Listening(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.exc_info:
                said.append(f"{record.getMessage()}: {record.exc_info[1]!r}")

    log, listening = logging.getLogger("throughline.errors"), Listening()
    log.addHandler(listening)
    try:
        yield said
    finally:
        log.removeHandler(listening)
