"""Second factors of a person: which there are, setting them up, and looking at a code.

What was tried has to be remembered also when it was wrong. So ``check`` gives its refusal back: whoever calls ends the
transaction first and raises then.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from serve.identity.factors import rules
from serve.identity.factors.errors import (
    NoSecondFactor,
    SecondFactorNeeded,
    TooManyCodes,
    TotpExists,
    TotpNotConfirmed,
    TotpNotFound,
    WrongCode,
)
from serve.identity.factors.rules import Way
from serve.identity.factors.telling import tell
from serve.identity.sessions import service as sessions
from serve.kernel.caller import Caller, StepUpNeeded
from serve.kernel.db import Database, Record, Transaction
from serve.kernel.errors import Problem
from serve.kernel.ratelimit import gcra

TELL_AGAIN = timedelta(days=1)
"""After which time a person hears again that somebody guesses at their codes."""


@dataclass(frozen=True, slots=True)
class Held:
    """What the person has. Recovery codes alone are no factor: they stand in for one."""

    totp_since: datetime | None
    totp_used_at: datetime | None
    passkey_count: int
    recovery_code_count: int
    recovery_codes_since: datetime | None

    @property
    def has_any(self) -> bool:
        return self.totp_since is not None or self.passkey_count > 0

    @property
    def ways(self) -> list[Way]:
        """By which of them log-in with a password goes on; none when it asks for nothing more."""
        found: dict[Way, bool] = {
            "totp": self.totp_since is not None,
            "passkey": self.passkey_count > 0,
            "recovery_code": self.recovery_code_count > 0,
        }
        return [way for way, is_there in found.items() if is_there] if self.has_any else []

    def shown(self) -> dict[str, object]:
        """As clients read it."""
        totp, codes = self.totp_since, self.recovery_codes_since
        return {
            "has_second_factor": self.has_any,
            "ways": self.ways,
            "totp": totp and {"since": totp, "last_used_at": self.totp_used_at},
            "passkey_count": self.passkey_count,
            "recovery_codes": codes and {"left": self.recovery_code_count, "since": codes},
        }


async def held(db: Transaction, user_id: UUID) -> Held:
    row = await db.fetch_one("select * from auth_second_factors($1)", user_id)
    assert row is not None
    return Held(**row)


async def needed(db: Transaction, user_id: UUID) -> list[Way]:
    """What the person must show beside the password, one of these; nothing for who has no second factor."""
    return (await held(db, user_id)).ways


async def check(db: Transaction, user_id: UUID, code: str, request_id: str) -> Way | Problem:
    """What the code is, or why it is refused: WrongCode or TooManyCodes. A right one is used up."""
    plain = rules.plain(code)
    look = _one_time if rules.is_one_time(plain) else _recovery
    return await look(db, user_id, plain, request_id)


async def beside_password(
    db: Transaction, user_id: UUID, code: str | None, request_id: str
) -> tuple[Way, ...] | Problem:
    """What the person has shown besides the right password: nothing where nothing is asked, else what the code is.

    Refusals: SecondFactorNeeded, WrongCode or TooManyCodes.
    """
    ways = await needed(db, user_id)
    if not ways:
        return ()
    if code is None:
        return SecondFactorNeeded(ways)
    found = await check(db, user_id, code, request_id)
    return found if isinstance(found, Problem) else (found,)


def way_of(code: str | None) -> Way:
    """What a code would be if it were right."""
    return "totp" if rules.is_one_time(rules.plain(code or "")) else "recovery_code"


async def must_enrol(
    db: Transaction, user_id: UUID, tenant_id: UUID, role: str, methods: Sequence[str]
) -> bool:
    """Whether the tenant asks the person for a second factor that they don't have."""
    row = await db.fetch_one("select auth_second_factor_demand($1) as demand", tenant_id)
    assert row is not None
    if not rules.demands(row["demand"] or "optional", role) or rules.ELSEWHERE & {*methods}:
        return False
    return not (await held(db, user_id)).has_any


async def require_recent(db: Transaction, caller: Caller) -> None:
    """Of who has a second factor: has just shown it. Raises StepUpNeeded."""
    if (not caller.is_recent or not rules.SECOND & {*caller.methods}) and await needed(db, caller.user_id):
        raise StepUpNeeded


class Proofs:
    """Whether what people have shown in their session is all that they have to show (``app.state.proofs``)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def are_enough(self, caller: Caller) -> bool:
        if rules.SECOND & {*caller.methods}:
            return True
        async with self._database.transaction() as db:
            if not await needed(db, caller.user_id):
                return True
            session = caller.session_id and await sessions.standing(db, caller.session_id)
            return session is not None and bool(rules.SECOND & {*session.methods})


async def _one_time(db: Transaction, user_id: UUID, code: str, request_id: str) -> Way | Problem:
    row = await db.fetch_one("select * from auth_totp($1)", user_id)
    if row is None or row["confirmed_at"] is None:
        return WrongCode()
    now_s = time.time()
    debt_s = _debt_with_one_more(row, now_s)
    if isinstance(debt_s, TooManyCodes):
        return debt_s
    secret = db.vault.open(row["sealed_secret"]).decode()
    step = rules.right_step(secret, code, now_s=now_s, last_step=row["last_step"])
    if step is not None:
        await _tried(db, user_id, step, 0.0)
        return "totp"
    was_last = not gcra(now_s + debt_s, now_s, rules.WRONG_CODES)[0]
    is_news = was_last and _is_news(row)
    await _tried(db, user_id, None, now_s + debt_s, told=is_news)
    if is_news:
        await tell(db, user_id, "codes.blocked", request_id)
    return WrongCode()


def _debt_with_one_more(row: Record, now_s: float) -> float | TooManyCodes:
    """What is owed if the next code is wrong as well, if one may be tried at all."""
    rate = rules.WRONG_CODES
    is_admitted, debt_s = gcra(row["full_at_s"], now_s, rate)
    return debt_s if is_admitted else TooManyCodes(wait_s=int(debt_s + rate.interval_s - rate.most_s) + 1)


async def _recovery(db: Transaction, user_id: UUID, code: str, request_id: str) -> Way | Problem:
    spent = await db.fetch_one(
        "select auth_spend_recovery_code($1, $2) as spent", user_id, rules.hash_of(code)
    )
    if spent is None or not spent["spent"]:
        return WrongCode()
    left = (await held(db, user_id)).recovery_code_count
    await tell(db, user_id, "recovery_code.used", request_id, left=left)
    return "recovery_code"


async def begin_totp(db: Transaction, user_id: UUID) -> str:
    """A new secret, which counts once ``confirm_totp`` has seen a code of it. Raises TotpExists."""
    secret = rules.new_secret()
    row = await db.fetch_one(
        "select auth_begin_totp($1, $2) as begun", user_id, db.vault.seal(secret.encode())
    )
    if row is None or not row["begun"]:
        raise TotpExists
    return secret


async def confirm_totp(db: Transaction, code: str, request_id: str) -> list[str] | Problem | None:
    """From now on the secret counts; recovery codes if it is the first factor. Raises TotpExists or TotpNotFound.

    Wrong codes count as at log-in: whoever has a session alone would guess their way to a factor of their own.
    Refusals: TotpNotConfirmed, TooManyCodes.
    """
    user_id = db.caller.user_id
    before = await in_turn(db, user_id)
    row = await db.fetch_one("select * from auth_totp($1)", user_id)
    if row is None:
        raise TotpNotFound("Begin first: POST /api/v1/auth/factors/totp gives a secret.")
    if row["confirmed_at"] is not None:
        raise TotpExists
    now_s = time.time()
    debt_s = _debt_with_one_more(row, now_s)
    if isinstance(debt_s, TooManyCodes):
        return debt_s
    secret = db.vault.open(row["sealed_secret"]).decode()
    step = rules.right_step(secret, rules.plain(code), now_s=now_s, last_step=row["last_step"])
    if step is None:
        await _tried(db, user_id, None, now_s + debt_s)
        return TotpNotConfirmed(details=[("code", "is not the one that the app shows now")])
    await _tried(db, user_id, step, 0.0)
    return await added(db, before, request_id, kind="totp")


async def remove_totp(db: Transaction, user_id: UUID, request_id: str) -> None:
    """Raises TotpNotFound."""
    await in_turn(db, user_id)
    row = await db.fetch_one("select auth_drop_totp($1) as dropped", user_id)
    if row is None or not row["dropped"]:
        raise TotpNotFound
    await removed(db, user_id, request_id, kind="totp")


async def make_recovery_codes(db: Transaction, user_id: UUID, request_id: str) -> list[str]:
    """Ten new ones; the old ones work no more. Raises NoSecondFactor."""
    if not (await in_turn(db, user_id)).has_any:
        raise NoSecondFactor
    codes = await _keep_new_codes(db, user_id)
    await tell(db, user_id, "recovery_codes.made", request_id)
    return codes


async def in_turn(db: Transaction, user_id: UUID) -> Held:
    """What the person has, once no other change of it is going on."""
    await db.execute("select pg_advisory_xact_lock(hashtextextended('factors ' || $1, 0))", str(user_id))
    return await held(db, user_id)


async def added(db: Transaction, before: Held, request_id: str, /, **what: str) -> list[str] | None:
    """The caller has another factor, and has shown it: tell, and make recovery codes if it is the first one."""
    user_id, session_id = db.caller.user_id, db.caller.session_id
    await db.execute("select auth_prove_again($1, $2)", session_id, [what["kind"]])
    await tell(db, user_id, "factor.added", request_id, **what)
    return None if before.has_any else await _keep_new_codes(db, user_id)


async def removed(db: Transaction, user_id: UUID, request_id: str, /, **what: str) -> None:
    """The person has a factor less: tell, and drop the recovery codes if it was the last one."""
    await tell(db, user_id, "factor.removed", request_id, **what)
    if not (await held(db, user_id)).has_any:
        await _keep_codes(db, user_id, [])


async def _keep_new_codes(db: Transaction, user_id: UUID) -> list[str]:
    codes = rules.new_recovery_codes()
    await _keep_codes(db, user_id, codes)
    return codes


async def _keep_codes(db: Transaction, user_id: UUID, codes: Sequence[str]) -> None:
    hashes = [rules.hash_of(rules.plain(code)) for code in codes]
    await db.execute("select auth_keep_recovery_codes($1, $2)", user_id, hashes)


async def _tried(
    db: Transaction, user_id: UUID, step: int | None, full_at_s: float, *, told: bool = False
) -> None:
    await db.execute("select auth_totp_tried($1, $2, $3, $4)", user_id, step, full_at_s, told)


def _is_news(row: Record) -> bool:
    told_at: datetime | None = row["told_at"]
    return told_at is None or told_at < datetime.now(UTC) - TELL_AGAIN
