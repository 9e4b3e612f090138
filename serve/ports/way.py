"""The one way to write a way out: settings, time limits, repeating, leaving alone, and how it fails.

A port is a subclass of ``Way`` with a method for each thing that it can do; ``docs/guides/new-port.md`` shows one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import MISSING, dataclass, field, fields
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar, Generic, NoReturn, Protocol, TypeVar
from urllib.parse import urlencode
from uuid import UUID

import orjson
import stamina
from pydantic import BaseModel, ValidationError

from serve.kernel.errors import Invalid, NotConfigured, OutsideFailed, OutsideSlow, Problem
from serve.ports.breaker import Breaker, Breakers, Resting
from serve.ports.out import AddressRefused, Answer, Door, Limits, OutError, Unanswered, Unreachable

SAFE_TO_REPEAT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
"""Methods that do the same once or twice (RFC 9110)."""
BUSY = 429
"""The only failure that says that nothing was done."""
PASSING = frozenset({408, 425, 500, 502, 503, 504})
LONGEST_PAUSE_S = 5.0
"""A service that wants us to wait longer is not waited for: the client is told when to come again."""


class OutsideRefused(Problem):
    """The service answered, and does not do it: asking again changes nothing. ``answer`` is for the port that asked."""

    status, code, message = 502, "OUTSIDE_REFUSED", "An outside service does not do what was asked of it."

    def __init__(self, service: str, answer: Answer) -> None:
        super().__init__(
            f"{service} refuses what was asked (status {answer.status}). Its settings may be wrong."
        )
        self.answer = answer


class OutsideAddressRefused(Invalid):
    code, message = (
        "ADDRESS_REFUSED",
        "The address of the service is one that this installation does not call.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class WaySettings:
    """What every port needs to know; a port adds its own fields. Those without a default must be set."""

    base_url: str


def secret() -> Any:
    """A field that is kept encrypted: it comes from a category's ``secrets``, and no ``repr`` shows it."""
    return field(repr=False, metadata={"is_secret": True})


class Stored(Protocol):
    """A category of settings as the tenant has it: ``service.current`` of ``serve/platform/settings`` gives it."""

    @property
    def category(self) -> Any: ...
    @property
    def values(self) -> Any: ...
    @property
    def secrets(self) -> Mapping[str, str]: ...


S = TypeVar("S", bound=WaySettings)
W = TypeVar("W", bound="Way[Any]")
M = TypeVar("M", bound=BaseModel)


class Way(Generic[S]):
    """A service outside, as one tenant may use it. ``name`` is for people and for the breaker."""

    name: ClassVar[str]
    kind: ClassVar[type[Any]]
    """Of its settings."""
    key_header: ClassVar[str] = "Idempotency-Key"
    """By which the service knows a repeated call."""
    within_s: ClassVar[float] = 10.0
    most_bytes: ClassVar[int] = 1_000_000
    """Of an answer."""
    attempts: ClassVar[int] = 3
    pause_s: ClassVar[float] = 0.2
    """Before the second attempt; longer before each further one, and never the same."""

    def __init__(self, settings: S, door: Door, breaker: Breaker) -> None:
        self.settings, self._door, self._breaker = settings, door, breaker

    def headers(self) -> dict[str, str]:
        """Sent with each call, such as who we are."""
        return {}

    async def ask(self, model: type[M], method: str, path: str, **sent: Any) -> M:
        """``call``, with the answer as the model reads it. Raises what ``call`` raises."""
        answer = await self.call(method, path, **sent)
        try:
            return model.model_validate_json(answer.body)
        except ValidationError:  # not as the cause: it repeats what was answered
            raise OutsideFailed(self.name, f"{self.name} answers in a way that is not understood.") from None

    async def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        content: tuple[str, bytes] | None = None,
        key: str | None = None,
    ) -> Answer:
        """What the service answers, once it does. ``content`` is another body than JSON: its media type and the bytes.

        Repeated is what may be: methods that are safe to repeat, calls with a ``key`` of their own by which the service
        knows them, and what certainly has not happened. Raises OutsideFailed, OutsideSlow, OutsideRefused or
        OutsideAddressRefused.
        """
        url = _with(self.settings.base_url.rstrip("/") + path, params)
        headers = {"Accept": "application/json", **self.headers()}
        if json is not None:
            headers["Content-Type"] = "application/json"
        if key is not None:
            headers[self.key_header] = key
        body = None if json is None else orjson.dumps(json)
        if content is not None:
            headers["Content-Type"], body = content
        may_repeat = method in SAFE_TO_REPEAT or key is not None

        def pause(error: Exception) -> bool | float:
            return isinstance(error, _Failed) and error.pause(may_repeat=may_repeat)

        with self._problems():
            async for attempt in stamina.retry_context(
                on=pause,
                attempts=self.attempts,
                wait_initial=self.pause_s,
                wait_max=LONGEST_PAUSE_S,
                wait_jitter=self.pause_s,
            ):
                with attempt:
                    return await self._once(method, url, headers, body)
        raise AssertionError("unreachable")

    async def _once(self, method: str, url: str, headers: dict[str, str], body: bytes | None) -> Answer:
        self._breaker.admit()
        limits = Limits(self.within_s, self.most_bytes, redirects=0)  # our credentials are for this address
        try:
            answer = await self._door.send(method, url, headers=headers, content=body, limits=limits)
        except (Unreachable, Unanswered) as error:
            self._breaker.failed()
            raise _Failed(
                OutsideSlow(self.name) if error.was_slow else OutsideFailed(self.name),
                is_undone=isinstance(error, Unreachable),
            ) from error
        if answer.status in PASSING:
            self._breaker.failed()
        else:
            self._breaker.succeeded()
        if answer.status in (*PASSING, BUSY):
            wait_s = _wait_s(answer.headers.get("retry-after"))
            problem = OutsideFailed(self.name, wait_s=wait_s)
            raise _Failed(problem, is_undone=answer.status == BUSY, wait_s=wait_s)
        if not 200 <= answer.status < 300:
            raise OutsideRefused(self.name, answer)
        return answer

    @contextmanager
    def _problems(self) -> Iterator[None]:
        """What the client is told. Nothing of what a stranger said is in it, nor of what we sent."""
        try:
            yield
        except _Failed as failed:
            raise failed.problem from failed.__cause__
        except Resting as resting:
            said = f"{self.name} has failed repeatedly and is left alone for a moment."
            raise OutsideFailed(self.name, said, wait_s=resting.wait_s) from resting
        except AddressRefused as refused:
            raise OutsideAddressRefused(details=[("base_url", str(refused))]) from refused
        except OutError as error:
            raise OutsideFailed(self.name) from error


class Ways:
    """Every way out of this installation, and how the services at their ends have been lately."""

    def __init__(self, door: Door, breakers: Breakers | None = None) -> None:
        self.door, self._breakers = door, breakers or Breakers()

    def to(self, port: type[W], tenant_id: UUID, stored: Stored) -> W:
        """The port with the tenant's settings. Raises NotConfigured naming all that are missing."""
        settings = configured(port.kind, stored)
        return port(settings, self.door, self._breakers.of(tenant_id, port.name))

    async def close(self) -> None:
        await self.door.close()


def configured(kind: type[S], stored: Stored) -> S:
    """Raises NotConfigured naming every setting that is missing at once."""
    given: dict[str, Any] = {
        each.name: stored.secrets.get(each.name)
        if each.metadata.get("is_secret")
        else getattr(stored.values, each.name, None)
        for each in fields(kind)
    }
    missing = [each.name for each in fields(kind) if given[each.name] is None and each.default is MISSING]
    if missing:
        not_configured(stored.category.name, missing)
    return kind(**{name: value for name, value in given.items() if value is not None})


def not_configured(category: str, missing: list[str]) -> NoReturn:
    """Raises NotConfigured."""
    raise NotConfigured(
        f"Settings of the category {category} are missing: {', '.join(missing)}.",
        details=[(name, "is not set") for name in missing],
    )


class _Failed(Exception):
    """One attempt. ``is_undone``: for certain nothing has happened."""

    def __init__(self, problem: Problem, *, is_undone: bool, wait_s: float | None = None) -> None:
        super().__init__(problem.detail)
        self.problem, self._is_undone, self._wait_s = problem, is_undone, wait_s

    def pause(self, *, may_repeat: bool) -> bool | float:
        """Whether, and after which pause if the service said so, another attempt may be made."""
        if not (may_repeat or self._is_undone) or (self._wait_s or 0) > LONGEST_PAUSE_S:
            return False
        return True if self._wait_s is None else self._wait_s


def _with(url: str, params: Mapping[str, Any] | None) -> str:
    return (
        f"{url}?{urlencode({name: value for name, value in params.items() if value is not None})}"
        if params
        else url
    )


def _wait_s(said: str | None) -> float | None:
    """Of the header ``Retry-After``: seconds, or a date.

    >>> [_wait_s(said) for said in ("3", None, "soon", "Thu, 01 Jan 1970 00:00:00 GMT")]
    [3.0, None, None, 0.0]
    """
    if said is None:
        return None
    try:
        if said.strip().isdecimal():
            return float(said)
        return max(0.0, (parsedate_to_datetime(said) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
