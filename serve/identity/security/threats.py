"""What looks like an attack, from attempts to come in; no database, no clock.

Each rule says what it takes and what it leaves alone: people who are told of threats that are none stop reading. A
threat has a key: the same one is told of once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Literal
from uuid import UUID

from serve.identity.security.places import least_km

Kind = Literal["impossible_travel", "new_country", "attacked_account", "credential_stuffing"]
Severity = Literal["low", "medium", "high"]

FASTEST_KM_PER_H = 900.0
"""An airliner; nobody travels faster from door to door."""
KNOWN_AFTER = timedelta(days=1)
"""An address from which a person has come before, at least so long ago, is theirs: an office, a VPN in use."""
HABIT_SIGN_INS, HABIT_SPAN = 5, timedelta(days=7)
"""Before so many sign-ins over so long nobody knows where a person usually is."""
WINDOW = timedelta(minutes=15)
BURST_FAILURES, BURST_ADDRESSES = 10, 3
STUFFED_ACCOUNTS = 8
SHARED_BY = 3
SHARED_FACTOR = 3
"""From an address that so many people come in by (an office, a mobile network) it takes so many times the accounts."""
LOOK_BACK = timedelta(days=90)


EVIDENCE = (
    *(
        "countries",
        "known_countries",
        "distance_km",
        "minutes",
        "failed_count",
        "address_count",
        "account_count",
    ),
    *("address", "somebody_came_in_after"),
)
"""What may have been seen; each kind of threat has some of it."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """One attempt; ``country`` is None where nobody knows."""

    user_id: UUID
    happened_at: datetime
    succeeded: bool
    address: str | None
    country: str | None


@dataclass(frozen=True, slots=True)
class Threat:
    kind: Kind
    severity: Severity
    key: str
    user_id: UUID | None
    first_at: datetime
    last_at: datetime
    evidence: dict[str, Any] = field(hash=False)


def of_person(attempts: Iterable[SignIn]) -> Iterator[Threat]:
    """Everything that one person's attempts of the last months show."""
    ordered = sorted(attempts, key=lambda each: each.happened_at)
    came_in = [each for each in ordered if each.succeeded]
    yield from _impossible_travels(came_in)
    yield from _new_countries(came_in)
    yield from _attacked(ordered)


def _impossible_travels(came_in: Sequence[SignIn]) -> Iterator[Threat]:
    """Two sign-ins in a row, from countries so far apart that nobody was in both.

    Left alone: places that are not known, countries whose towns lie less than ``SLACK_KM`` apart, and whoever comes
    from an address that is theirs.
    """
    located = [each for each in came_in if each.country is not None]
    for before, after in pairwise(located):
        assert before.country is not None
        assert after.country is not None
        distance_km = least_km(before.country, after.country)
        hours = (after.happened_at - before.happened_at) / timedelta(hours=1)
        if distance_km <= hours * FASTEST_KM_PER_H:
            continue
        if _is_theirs(after, located) or _is_theirs(before, located):
            continue
        pair = "-".join(sorted((before.country, after.country)))
        yield Threat(
            "impossible_travel",
            "high",
            f"{after.user_id} {pair} {after.happened_at:%Y-%m-%d}",
            after.user_id,
            before.happened_at,
            after.happened_at,
            {
                "countries": [before.country, after.country],
                "distance_km": round(distance_km),
                "minutes": round(hours * 60),
            },
        )


def _is_theirs(sign_in: SignIn, came_in: Sequence[SignIn]) -> bool:
    """Whether the person has come from that address before, a while ago."""
    until = sign_in.happened_at - KNOWN_AFTER
    return any(each.address == sign_in.address and each.happened_at <= until for each in came_in)


def _new_countries(came_in: Sequence[SignIn]) -> Iterator[Threat]:
    """The first sign-in from a country, of a person whose habits are known. Once for each country."""
    located = [each for each in came_in if each.country is not None]
    for place, sign_in in enumerate(located):
        earlier = located[:place]
        if len(earlier) < HABIT_SIGN_INS or sign_in.happened_at - earlier[0].happened_at < HABIT_SPAN:
            continue
        known = {each.country for each in earlier}
        if sign_in.country not in known:
            yield Threat(
                "new_country",
                "low",
                f"{sign_in.user_id} {sign_in.country}",
                sign_in.user_id,
                sign_in.happened_at,
                sign_in.happened_at,
                {"countries": [sign_in.country], "known_countries": sorted(filter(None, known))},
            )


def _attacked(attempts: Sequence[SignIn]) -> Iterator[Threat]:
    """Many failures on one account within minutes, from several addresses: not somebody who mistypes.

    Worse, and told again, when somebody comes in within the hour after from an address that is not theirs. Once a day.
    """
    failures = [each for each in attempts if not each.succeeded and each.address]
    told: set[str] = set()
    for burst in _bursts(failures):
        addresses = {each.address for each in burst}
        if len(burst) < BURST_FAILURES or len(addresses) < BURST_ADDRESSES:
            continue
        end = burst[-1].happened_at
        came_in = [each for each in attempts if each.succeeded]
        broken_in = any(
            end <= each.happened_at <= end + timedelta(hours=1) and not _is_theirs(each, came_in)
            for each in came_in
        )
        key = f"{burst[0].user_id} {burst[0].happened_at:%Y-%m-%d}{' came in' if broken_in else ''}"
        if key in told:
            continue
        told.add(key)
        yield Threat(
            "attacked_account",
            "high" if broken_in else "medium",
            key,
            burst[0].user_id,
            burst[0].happened_at,
            end,
            {
                "failed_count": len(burst),
                "address_count": len(addresses),
                "somebody_came_in_after": broken_in,
            },
        )


def of_address(address: str, attempts: Iterable[SignIn]) -> Iterator[Threat]:
    """Failures on many accounts from one address within minutes: somebody tries a list of stolen passwords.

    An address that several people come in by needs more, because they all mistype there. Once a day for each address.
    """
    ordered = sorted(attempts, key=lambda each: each.happened_at)
    people = {each.user_id for each in ordered if each.succeeded}
    needed = STUFFED_ACCOUNTS * (SHARED_FACTOR if len(people) >= SHARED_BY else 1)
    told: set[str] = set()
    for burst in _bursts([each for each in ordered if not each.succeeded]):
        accounts = {each.user_id for each in burst}
        key = f"{address} {burst[0].happened_at:%Y-%m-%d}"
        if len(accounts) >= needed and key not in told:
            told.add(key)
            yield Threat(
                "credential_stuffing",
                "high",
                key,
                None,
                burst[0].happened_at,
                burst[-1].happened_at,
                {"failed_count": len(burst), "account_count": len(accounts), "address": address},
            )


def _bursts(attempts: Sequence[SignIn]) -> Iterator[list[SignIn]]:
    """For each attempt those of the window that begins with it."""
    end = 0
    for start, first in enumerate(attempts):
        end = max(end, start)
        while end < len(attempts) and attempts[end].happened_at - first.happened_at <= WINDOW:
            end += 1
        yield list(attempts[start:end])
