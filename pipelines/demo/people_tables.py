"""Tables of people who log in: accounts, seats, invitations, attempts to come in."""

from collections.abc import Iterator

import numpy as np
import polars as pl

from pipelines.demo import names, truths
from pipelines.demo.draw import DAY_US, HOUR_US, MINUTE_US, NEVER, Ints, choose, moments, pick, rows, seen
from pipelines.demo.people import ADMIN, STAFF
from pipelines.demo.world import World

LINK_DAYS = 7
UNANSWERED = ((120, None), (333, 335), (727, None))
"""Invitations that nobody accepted: the day of each, and the day it was taken back."""
ABROAD = {"US": ("CA", "MX"), "GB": ("IE", "FR", "ES"), "DE": ("AT", "NL", "IT")}
WEB_AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Firefox/140.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) Safari/605.1.15",
    "Mozilla/5.0 (iPad; CPU OS 18_1 like Mac OS X) Safari/604.1",
)
PHONE_AGENTS = ("Throughline 3.2 (Android 15; Mobile)", "Throughline 3.2 (iPhone; iOS 18.1)")


def tables(world: World, now_us: int) -> Iterator[tuple[str, pl.DataFrame]]:
    sign_ins = _sign_ins(world, now_us)
    yield "users", _users(world, now_us, sign_ins)
    yield "seat_changes", _seat_changes(world, now_us)
    yield "memberships", _memberships(world, now_us)
    yield "invitations", _invitations(world, now_us)
    yield "sign_ins", sign_ins


def _staff(world: World) -> tuple[pl.Series, Ints]:
    """Ids of who belongs to the company, and where they stand among its people: the guest last."""
    ids, guest = world.ids["users"], world.guest_user_id
    if guest:
        ids = ids.clone().append(pl.Series([guest]))
    return ids, np.arange(len(ids))


def staff_reach(world: World) -> tuple[pl.Series, pl.Series]:
    """Names and addresses of those who log in."""
    number = pl.Series(np.arange(len(STAFF))).cast(pl.String)
    email = pl.Series([member.role for member in STAFF]) + number + f"@{world.profile.domain}"
    return names.people(len(STAFF), world.rng("users")), email


def _users(world: World, now_us: int, sign_ins: pl.DataFrame) -> pl.DataFrame:
    """Without `password_hash`: each installation makes its own when it loads."""
    count = len(STAFF)
    created = world.people.joined_us[:count]
    full_name, email = staff_reach(world)
    last = sign_ins.filter(pl.col("outcome") == "succeeded").group_by("user_id").agg(pl.max("happened_at"))
    return (
        pl.DataFrame(
            {
                "id": world.ids["users"],
                "email": email,
                "full_name": full_name,
                "is_active": pl.repeat(True, count, eager=True),
                "created_at": moments(created),
                "updated_at": moments(created),
            }
        )
        .join(last, left_on="id", right_on="user_id", how="left", maintain_order="left")
        .rename({"happened_at": "last_login_at"})
        .filter(pl.Series(created < now_us))
    )


def _memberships(world: World, now_us: int) -> pl.DataFrame:
    people, (ids, who) = world.people, _staff(world)
    joined, suspended = people.joined_us[who], seen(people.suspended_us[who], now_us)
    return rows(
        world.tenant_id,
        world.new_ids("memberships", joined),
        joined,
        suspended,
        now_us,
        user_id=ids,
        role=pl.Series([people.members[each].role for each in who]),
        state=pick(("active", "suspended"), (suspended != NEVER).astype(int)),
    )


def _seat_changes(world: World, now_us: int) -> pl.DataFrame:
    """What the store notes by itself when a membership comes or changes."""
    people, (ids, who) = world.people, _staff(world)
    ended = who[people.suspended_us[who] != NEVER]
    person = np.concatenate([who, ended])
    at = np.concatenate([people.joined_us[who], people.suspended_us[ended]])
    return rows(
        world.tenant_id,
        world.new_ids("seat_changes", at),
        at,
        at,
        now_us,
        user_id=pick(ids, person),
        happened_at=moments(at),
        role=pl.Series([people.members[each].role for each in person]),
        state=pick(("active", "suspended"), (np.arange(len(at)) >= len(who)).astype(int)),
    )


def _invitations(world: World, now_us: int) -> pl.DataFrame:
    opens_us, day_us = world.profile.opens_at_h * HOUR_US, world.calendar.day_us
    invited = [(index, member) for index, member in enumerate(STAFF) if member.invited_day is not None]
    who = np.array([index for index, _ in invited] + [-1] * len(UNANSWERED))
    days = [member.invited_day for _, member in invited] + [day for day, _ in UNANSWERED]
    revoked_days = [None] * len(invited) + [day for _, day in UNANSWERED]
    at = day_us(np.array(days)) + opens_us
    accepted = np.where(who >= 0, seen(world.people.joined_us[who], now_us), NEVER)
    revoked = seen(
        np.array([NEVER if day is None else int(day_us(day)) + opens_us for day in revoked_days]), now_us
    )
    emails = [f"{STAFF[index].role}{index}" if index >= 0 else f"invited{n}" for n, index in enumerate(who)]
    is_accepted = accepted != NEVER
    return rows(
        world.tenant_id,
        world.new_ids("invitations", at),
        at,
        np.maximum(accepted, revoked),
        now_us,
        email=pl.Series(emails) + f"@{world.profile.domain}",
        role=pl.Series([STAFF[index].role if index >= 0 else "agent" for index in who]),
        invited_by=pl.repeat(world.ids["users"][ADMIN], len(at), eager=True),
        accepted_by=pick(world.ids["users"], np.where(is_accepted, who, -1)),
        sent_count=pl.Series(np.ones(len(at), dtype=np.int32)),
        sent_at=moments(at),
        expires_at=moments(at + LINK_DAYS * DAY_US),
        accepted_at=moments(accepted),
        revoked_at=moments(revoked),
    )


def _sign_ins(world: World, now_us: int) -> pl.DataFrame:
    """One a day for whoever comes in, wrong passwords before some of them, and what attackers tried."""
    people, rng, (ids, who) = world.people, world.rng("sign_ins"), _staff(world)
    person, day = np.nonzero(people.is_there[who])
    count = len(person)
    begun = (world.profile.opens_at_h + 9 * rng.beta(1.6, 4, count)) * HOUR_US
    at = world.calendar.day_us(day) + begun.astype(np.int64)
    is_first = world.calendar.day_us(day) == people.joined_us[person] // DAY_US * DAY_US
    at = np.where(is_first, people.joined_us[person] + MINUTE_US, at)
    usual = np.array(people.method)[person]
    method = np.where(rng.random(count) < 0.92, usual, "password")
    weeks = people.is_there.shape[1] // 7 + 1
    is_away = (rng.random((len(people.members), weeks)) < truths.AWAY_SHARE)[person, day // 7]
    abroad = ABROAD[world.profile.country]
    where_away = (person + day // 7) % len(abroad)
    country = np.where(is_away, np.array(abroad)[where_away], world.profile.country)
    address = np.where(is_away, 100, 0) + person + 1
    tries = np.where(method == "password", choose(rng, truths.FAILED_TRIES, count), 0)
    failed = np.repeat(np.arange(count), tries)
    nth = np.arange(len(failed)) - np.repeat(np.cumsum(tries) - tries, tries) + 1

    columns = {
        "person": np.concatenate([person, person[failed]]),
        "at": np.concatenate([at, at[failed] - nth * 25_000_000]),
        "method": np.concatenate([method, method[failed]]),
        "country": np.concatenate([country, country[failed]]),
        "address": np.concatenate([address, address[failed]]),
        "is_failed": np.arange(count + len(failed)) >= count,
    }
    for extra in (_far_traveller(world, person, day, at), _attack(world)):
        columns = {name: np.concatenate([values, extra[name]]) for name, values in columns.items()}
    order = np.argsort(columns["at"], kind="stable")
    person, at, method, country, address, is_failed = (values[order] for values in columns.values())
    is_mobile = np.array([member.is_mobile for member in people.members])[person]
    network = np.where(address < 100, "192.0.2.", "198.51.100.")
    return rows(
        world.tenant_id,
        world.new_ids("sign_ins", at),
        at,
        at,
        now_us,
        user_id=pick(ids, person),
        happened_at=moments(at),
        outcome=pick(("succeeded", "failed"), is_failed.astype(int)),
        method=pl.Series(method),
        kind=pick(("web", "mobile"), is_mobile.astype(int)),
        address=pl.Series(network) + pl.Series(address).cast(pl.String),
        country=pl.Series(country),
        user_agent=pick(
            WEB_AGENTS + PHONE_AGENTS,
            np.where(is_mobile, len(WEB_AGENTS) + person % len(PHONE_AGENTS), person % len(WEB_AGENTS)),
        ),
    )


def _far_traveller(world: World, person: Ints, day: Ints, at: Ints) -> dict[str, np.ndarray]:
    """A log-in from the other end of the world, soon after the real one."""
    is_theirs = (person == truths.FAR_TRAVELLER) & (day == truths.FAR_TRAVEL_DAY)
    real = at[is_theirs & (world.profile.slug == truths.FAR_TRAVELLER_OF)]
    return {
        "person": np.full(len(real), truths.FAR_TRAVELLER),
        "at": real + truths.FAR_TRAVEL_MINUTES * MINUTE_US,
        "method": np.full(len(real), "password"),
        "country": np.full(len(real), truths.FAR_TRAVEL_COUNTRY),
        "address": np.full(len(real), 250),
        "is_failed": np.zeros(len(real), dtype=bool),
    }


def _attack(world: World) -> dict[str, np.ndarray]:
    """Many wrong passwords of the owner's account within minutes."""
    tries = truths.ATTACK_TRIES if world.profile.slug == truths.ATTACK_OF else 0
    nth = np.arange(tries)
    begin = int(world.calendar.day_us(truths.ATTACK_DAY)) + 3 * HOUR_US
    return {
        "person": np.zeros(tries, dtype=np.int64),
        "at": begin + nth * 40_000_000,
        "method": np.full(tries, "password"),
        "country": np.array(["BR", "VN", "UA"])[nth % 3],
        "address": 240 + nth % 3,
        "is_failed": np.ones(tries, dtype=bool),
    }
