"""Who works in a simulated company, since when, and on which days they come in."""

from dataclasses import dataclass

import numpy as np

from pipelines.demo import truths
from pipelines.demo.calendar import Calendar
from pipelines.demo.draw import DAY_US, HOUR_US, NEVER, Bools, Ints, stream
from pipelines.demo.profiles import Profile

JOINED_BEFORE_DAYS = 399
"""How long before the first day those who were there from the beginning were let in."""


@dataclass(frozen=True)
class Member:
    """Somebody of the staff; days are those of the simulation."""

    role: str
    rate: float
    """Chance of coming in on an ordinary Monday."""
    method: str = "password"
    is_mobile: bool = False
    invited_day: int | None = None
    """None for who was there from the beginning."""
    hesitates_days: int = 0
    """From the invitation to its acceptance."""
    stops_day: int | None = None
    """From here on they come no more; the seat stays theirs."""
    suspended_day: int | None = None


STAFF = (
    Member("owner", 0.75, "passkey"),
    Member("admin", 0.85, "totp"),
    Member("manager", 0.8, "totp"),
    Member("manager", 0.6),
    Member("agent", 0.8),
    Member("agent", 0.7, stops_day=430),
    Member("agent", 0.6, stops_day=505),
    Member("agent", 0.75, "oidc"),
    Member("technician", 0.8, is_mobile=True),
    Member("technician", 0.7, is_mobile=True, stops_day=560),
    Member("technician", 0.75, "passkey", is_mobile=True),
    Member("viewer", 0.15),
    Member("agent", 0.7, invited_day=40, hesitates_days=1),
    Member("technician", 0.8, is_mobile=True, invited_day=95),
    Member("agent", 0.6, invited_day=150, hesitates_days=3),
    Member("manager", 0.5, "oidc", invited_day=210, hesitates_days=1),
    Member("technician", 0.8, "passkey", is_mobile=True, invited_day=300),
    Member("viewer", 0.02, invited_day=380, hesitates_days=4),
    Member("agent", 0.65, "passkey", invited_day=470, suspended_day=655),
    Member("agent", 0.75, "totp", invited_day=600, hesitates_days=1),
)
GUEST = Member("viewer", 0.1)
"""A person of another tenant, who may look at this one."""
ADMIN = 1


@dataclass(frozen=True)
class People:
    """Arrays by person of the staff, the guest last."""

    members: tuple[Member, ...]
    joined_us: Ints
    stops_us: Ints
    suspended_us: Ints
    is_there: Bools
    """Person by day: who comes in on which days."""
    method: tuple[str, ...]


def work(profile: Profile, calendar: Calendar, seed: int) -> People:
    """The staff's coming and going, the guest's too."""
    rng = stream(seed, profile.slug, "people")
    members = (*STAFF, GUEST)
    opens_us = profile.opens_at_h * HOUR_US
    days = np.arange(calendar.days)
    joined, stops, suspended = [], [], []
    for member in members:
        if member.invited_day is None:
            joined.append(int(calendar.day_us(0)) - JOINED_BEFORE_DAYS * DAY_US)
        else:
            joined.append(
                int(calendar.day_us(member.invited_day + member.hesitates_days)) + opens_us + HOUR_US
            )
        ends = [day for day in (member.stops_day, member.suspended_day) if day is not None]
        stops.append(int(calendar.day_us(min(ends))) if ends else NEVER)
        suspended.append(
            NEVER if member.suspended_day is None else int(calendar.day_us(member.suspended_day)) + opens_us
        )
    joined_us, stops_us = np.array(joined), np.array(stops)
    rate = np.array([member.rate for member in members])
    chance = truths.presence(rate[:, None], calendar.weekday[None, days], calendar.is_holiday[None, days])
    comes = rng.random((len(members), len(days))) < chance
    day_us = calendar.day_us(days)[None, :]
    first_day = joined_us[:, None] // DAY_US * DAY_US
    comes = (comes & (day_us > first_day)) | (day_us == first_day)  # whoever accepts is in
    comes &= (stops_us[:, None] == NEVER) | (day_us < stops_us[:, None])
    if profile.slug == truths.FAR_TRAVELLER_OF:
        comes[truths.FAR_TRAVELLER, truths.FAR_TRAVEL_DAY] = True
    return People(
        members, joined_us, stops_us, np.array(suspended), comes, tuple(member.method for member in members)
    )


def at_work(people: People, at_us: Ints, roles: tuple[str, ...], rng: np.random.Generator) -> Ints:
    """For each moment somebody of the staff with one of these roles who is with the company then."""
    who = np.array([nth for nth, member in enumerate(STAFF) if member.role in roles])
    joined, stops = people.joined_us[who], people.stops_us[who]
    is_there = (joined <= at_us[:, None]) & ((stops == NEVER) | (at_us[:, None] < stops))
    return who[np.where(is_there, rng.random((len(at_us), len(who))), -1.0).argmax(axis=1)]
