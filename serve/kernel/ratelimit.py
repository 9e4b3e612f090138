"""How often: the generic cell rate algorithm, in the memory of one process or shared in PostgreSQL.

Everybody has a debt in seconds: each request adds the interval of its rate, time takes it away, and a request that
would lift it over ``burst`` intervals is refused. That is one number for each key, and no window whose edge could be
used twice.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from starlette.types import Scope

from serve.kernel.caller import Caller
from serve.kernel.db import Database, Transaction
from serve.kernel.errors import Unavailable

_MOST_KEYS = 100_000
_ROUNDING_S = 1e-6
READING_WORDS = frozenset({"query", "search", "filter", "advanced-filter", "validate", "preview", "evaluate"})
_CLASSES = frozenset({"read", "write", "export", "auth"})
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
AUTH_PATHS = (
    *("/api/v1/auth/", "/auth/", "/api/v1/mobile/auth", "/api/v1/mobile/biometric/", "/api/v1/customer/auth"),
)


class Rate:
    """``burst`` at once, then ``per_min`` a minute."""

    __slots__ = ("burst", "interval_s", "most_s", "per_min")

    def __init__(self, per_min: float, burst: int) -> None:
        self.per_min, self.burst = per_min, burst
        self.interval_s = 60.0 / per_min
        self.most_s = burst * self.interval_s  # the largest debt that is allowed

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rate) and (self.per_min, self.burst) == (other.per_min, other.burst)

    def __repr__(self) -> str:
        return f"Rate(per_min={self.per_min}, burst={self.burst})"


class Verdict(NamedTuple):
    """What became of one request, for the strictest of its limits."""

    is_admitted: bool
    limit: int
    remaining: int
    reset_s: int
    wait_s: int

    def headers(self) -> list[tuple[bytes, bytes]]:
        return [
            (b"x-ratelimit-limit", b"%d" % self.limit),
            (b"x-ratelimit-remaining", b"%d" % self.remaining),
            (b"x-ratelimit-reset", b"%d" % self.reset_s),
        ]


Key = tuple[str, Hashable]
Asked = Sequence[tuple[Key, Rate]]


def gcra(full_at_s: float, now_s: float, rate: Rate) -> tuple[bool, float]:
    """Whether one more is admitted now, and the debt after that.

    ``full_at_s`` is the moment at which the debt would be gone. A clock that went back makes nobody wait longer than
    the whole burst takes, and gives nobody a request more.

    >>> gcra(0.0, 100.0, Rate(per_min=60, burst=2))
    (True, 1.0)
    >>> gcra(102.0, 100.0, Rate(per_min=60, burst=2))
    (False, 2.0)
    """
    debt_s = full_at_s - now_s
    if debt_s < 0.0:
        debt_s = 0.0
    elif debt_s > rate.most_s:
        debt_s = rate.most_s
    after_s = debt_s + rate.interval_s
    return (True, after_s) if after_s <= rate.most_s + _ROUNDING_S else (False, debt_s)


class Debts:
    """The debts that one process knows. Those with the least are forgotten when there are too many."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, *, most_keys: int = _MOST_KEYS) -> None:
        self.clock, self._most_keys = clock, most_keys
        self._full_at: dict[Key, float] = {}

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, asked: Asked) -> tuple[bool, list[float]]:
        """One request against several limits: it counts for all of them, or is refused and counts for none."""
        now, full_at, debts_s, refused = self.clock(), self._full_at, [], False
        for key, rate in asked:
            is_admitted, debt_s = gcra(full_at.get(key, now), now, rate)
            debts_s.append(debt_s)
            refused = refused or not is_admitted
        if refused:
            return False, [self.debt_s(key, rate) for key, rate in asked]
        for (key, _), debt_s in zip(asked, debts_s, strict=True):
            full_at[key] = now + debt_s
        if len(full_at) > self._most_keys:
            self._forget_some(now)
        return True, debts_s

    def debt_s(self, key: Key, rate: Rate) -> float:
        """What the key owes now; never more than its rate allows, whatever the clock did."""
        now = self.clock()
        debt_s = self._full_at.get(key, now) - now
        if debt_s > rate.most_s:
            self._full_at[key], debt_s = now + rate.most_s, rate.most_s
        return max(debt_s, 0.0)

    def owe(self, key: Key, debt_s: float) -> None:
        """From now on that, whatever it was; nothing is forgotten."""
        if debt_s > 0.0:
            self._full_at[key] = self.clock() + debt_s
        else:
            self._full_at.pop(key, None)
        if len(self._full_at) > self._most_keys:
            self._forget_some(self.clock())

    def _forget_some(self, now: float) -> None:
        indebted = [(full_at, key) for key, full_at in self._full_at.items() if full_at > now]
        indebted.sort(key=lambda each: each[0])
        self._full_at = {key: full_at for full_at, key in indebted[-self._most_keys // 2 :]}


class SharedDebts:
    """The debts that all processes know, by the clock of the database. Without one each call raises Unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, asked: Asked) -> tuple[bool, list[float]]:
        """One request against several limits, as ``Debts.take`` has it."""
        rates = [rate for _, rate in asked]
        async with self._database.connection() as connection:
            row = await connection.fetchrow(
                "select * from take_rate($1, $2, $3)",
                _texts(key for key, _ in asked),
                [rate.interval_s for rate in rates],
                [rate.burst for rate in rates],
            )
        assert row is not None
        return row["is_admitted"], row["debts_s"]

    async def debt_s(self, key: Key) -> float:
        """What the key owes now."""
        rows = await self._database.fetch_alone("select debt_s from rate_debts($1)", _texts([key]))
        return rows[0]["debt_s"] if rows else 0.0

    async def owe(self, debts_s: Mapping[Key, float]) -> None:
        """From now on that, whatever it was."""
        await self._database.fetch_alone("select owe_rates($1, $2)", _texts(debts_s), list(debts_s.values()))


class RateLimit:
    """One rate for keys of one kind; an attempt may be looked at first and counted later."""

    def __init__(self, per_min: float, burst: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._debts = Rate(per_min, burst), Debts(clock)

    def wait_s(self, key: Hashable) -> int:
        """Whole seconds until the key may try again; 0 when it may now. Counts nothing."""
        return wait_s(self._debts.debt_s(("", key), self._rate), self._rate)

    def count(self, key: Hashable) -> None:
        """One attempt."""
        self._debts.take([(("", key), self._rate)])


class Pair(NamedTuple):
    """What one key or user may send, and what all of its tenant together."""

    caller: Rate
    tenant: Rate


@dataclass(slots=True)
class Refusals:
    """How often somebody of a tenant was refused since it was last told; ``caller`` was the first."""

    caller: Caller
    count: int = 0
    tenant_count: int = 0  # those that only the whole tenant's limit refused


class Limits:
    """The limits of the API: for each key or user, and for each tenant, by class of request."""

    def __init__(
        self,
        rates: Mapping[str, Rate],
        *,
        tenant_factor: int,
        is_shared: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """A class without a rate is not limited. A tenant gets ``tenant_factor`` times what one of its people gets."""
        self.usual = {
            name: Pair(rate, Rate(rate.per_min * tenant_factor, rate.burst * tenant_factor))
            for name, rate in rates.items()
        }
        self.is_shared, self._debts = is_shared, Debts(clock)
        self._own: dict[tuple[str, int], Pair] = {}
        self.refusals: dict[tuple[UUID, str], Refusals] = {}

    def pair_of(self, tenant_id: UUID, kind: str) -> Pair | None:
        """What holds for that tenant; None when the class is not limited."""
        return self._own.get((kind, tenant_id.int), self.usual.get(kind))

    def set_own(self, tenant_id: UUID, kind: str, pair: Pair | None) -> None:
        """From now on the tenant has limits of its own; None: the usual ones again."""
        if pair is None:
            self._own.pop((kind, tenant_id.int), None)
        else:
            self._own[kind, tenant_id.int] = pair

    async def verdict(self, scope: Scope, caller: Caller | None) -> Verdict | None:
        """What becomes of this request; None when nothing limits it."""
        kind = class_of(scope["method"], scope["path"])
        pair = self.usual.get(kind)
        if pair is None:
            return None
        if caller is None:
            asked: Asked = [((kind, (scope.get("client") or ("",))[0]), pair.caller)]
        else:
            ours = (kind, caller.tenant_id.int)
            who = caller.api_key_id or caller.user_id  # as numbers: their hash costs less
            callers, tenants = self._own.get(ours, pair)
            asked = [((kind, who.int), callers), (ours, tenants)]
        if self.is_shared:
            is_admitted, debts_s = await self._together(asked, scope["app"].state.database)
        else:
            is_admitted, debts_s = self._debts.take(asked)
        if not is_admitted and caller is not None:
            self._note_refusal(caller, kind, asked, debts_s)
        return _strictest(asked, is_admitted, debts_s)

    async def debts_s(self, db: Transaction, kind: str, pair: Pair) -> Sequence[float]:
        """What the transaction's caller owes now, and what the tenant does."""
        caller = db.caller
        who = caller.api_key_id or caller.user_id
        asked = [((kind, who.int), pair.caller), ((kind, caller.tenant_id.int), pair.tenant)]
        if not self.is_shared:
            return [self._debts.debt_s(key, rate) for key, rate in asked]
        keys = _texts(key for key, _ in asked)
        owed = {row["key"]: row["debt_s"] for row in await db.fetch("select * from rate_debts($1)", keys)}
        return [min(owed.get(key, 0.0), rate.most_s) for key, (_, rate) in zip(keys, asked, strict=True)]

    def _note_refusal(self, caller: Caller, kind: str, asked: Asked, debts_s: Sequence[float]) -> None:
        refusals = self.refusals.setdefault((caller.tenant_id, kind), Refusals(caller))
        refusals.count += 1
        (_, own), _ = asked
        refusals.tenant_count += debts_s[0] + own.interval_s <= own.most_s + _ROUNDING_S

    async def _together(self, asked: Asked, database: Database) -> tuple[bool, list[float]]:
        """By the database's clock. Without a database each process counts for itself."""
        try:
            return await SharedDebts(database).take(asked)
        except Unavailable:
            return self._debts.take(asked)


def class_of(method: str, path: str) -> str:
    """The class of a request: ``auth``, ``export``, ``read`` or ``write``.

    >>> [class_of("GET", "/api/v1/contacts"), class_of("POST", "/api/v1/metrics/query")]
    ['read', 'read']
    >>> [class_of("GET", "/api/v1/contacts/export"), class_of("POST", "/api/v1/auth/login")]
    ['export', 'auth']
    """
    last = path[path.rfind("/") + 1 :]
    if last == "export":
        return "export"
    if method in _SAFE:
        return "read"
    if path.startswith(AUTH_PATHS):
        return "auth"
    return "read" if last in READING_WORDS else "write"


def parse_rates(text: str) -> dict[str, Rate]:
    """Rates as the setting writes them. Raises ValueError.

    >>> parse_rates("read=6000/600, write=1200/200")
    {'read': Rate(per_min=6000.0, burst=600), 'write': Rate(per_min=1200.0, burst=200)}
    """
    rates = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, numbers = part.partition("=")
        per_min, _, burst = numbers.partition("/")
        if name not in _CLASSES or float(per_min) <= 0 or int(burst) < 1:
            raise ValueError(f"'{part}' is no rate: write read, write, export or auth, as 'read=6000/600'")
        rates[name] = Rate(float(per_min), int(burst))
    return rates


def _strictest(asked: Asked, is_admitted: bool, debts_s: Sequence[float]) -> Verdict:
    """The limit with the fewest requests left."""
    fewest, strictest, debt_s = math.inf, asked[0][1], 0.0
    for (_, rate), its_debt_s in zip(asked, debts_s, strict=True):
        remaining = (rate.most_s - its_debt_s + _ROUNDING_S) / rate.interval_s
        if remaining < fewest:
            fewest, strictest, debt_s = remaining, rate, its_debt_s
    pause_s = 0 if is_admitted else wait_s(debt_s, strictest)
    return Verdict(is_admitted, strictest.burst, int(fewest), math.ceil(debt_s), pause_s)


def _texts(keys: Iterable[Key]) -> list[str]:
    """The keys as the database has them."""
    return [f"{kind}:{who}" for kind, who in keys]


def wait_s(debt_s: float, rate: Rate) -> int:
    """Whole seconds until one more is admitted; 0 when it is now."""
    over_s = debt_s + rate.interval_s * (1 - rate.burst)
    return math.ceil(over_s - _ROUNDING_S) if over_s > _ROUNDING_S else 0
