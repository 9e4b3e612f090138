"""Every check of how safe a tenant is set up: what should be so, how that is seen, what to do where it is not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from serve.identity.security.posture import Check, Facts, Found, Person, Verdict

LEADERS = frozenset({"owner", "admin"})
POWER = frozenset(
    {
        *("users:write", "users:impersonate", "roles:write", "api_keys:write", "settings:write", "sso:write"),
        *("privacy:write", "tenants:write", "security:write"),
    }
)
"""Scopes with which a stolen key could make itself more powerful, or take the tenant away."""

STALE = timedelta(days=90)
PASSWORD_LENGTH = 12
IDLE_H, LONGEST_H = 72, 30 * 24
MOST_SESSIONS = 10
LEADERS_ANYWAY, LEADERS_SHARE = 3, 0.2
FAILED_SHARE, FAILED_AT_LEAST = 0.2, 20
RECENT = timedelta(days=30)


def looked_at(facts: Facts) -> list[tuple[Check, Found]]:
    return [(check, check.look(facts)) for check in CHECKS]


def _none(which: Sequence[UUID], of: int, said: str) -> Found:
    """Passed when there is none of them."""
    return Found("failed" if which else "passed", said, len(which), of, which)


def _factor_of(people: Sequence[Person], said: str) -> Found:
    return _none([each.user_id for each in people if not each.has_second_factor], len(people), said)


def _leaders(facts: Facts) -> list[Person]:
    return [person for person in facts.people if person.role in LEADERS]


def _leaders_factor(facts: Facts) -> Found:
    return _factor_of(_leaders(facts), "owners and administrators come in with a password alone")


def _peoples_factor(facts: Facts) -> Found:
    others = [person for person in facts.people if person.role not in LEADERS]
    return _factor_of(others, "people come in with a password alone")


def _factor_demanded(facts: Facts) -> Found:
    of_whom: str = facts.settings.second_factor
    return Found("failed" if of_whom == "optional" else "passed", f"second_factor is {of_whom}")


def _password_length(facts: Facts) -> Found:
    length: int = facts.settings.password_min_length
    verdict: Verdict = "passed" if length >= PASSWORD_LENGTH else "failed"
    return Found(verdict, f"new passwords need {length} characters", length, PASSWORD_LENGTH)


def _idle(facts: Facts) -> Found:
    hours = facts.settings.session_idle_h or facts.installation.session_life_h
    verdict: Verdict = "passed" if hours <= IDLE_H else "failed"
    return Found(verdict, f"a session unused for {hours} hours ends", hours, IDLE_H)


def _longest(facts: Facts) -> Found:
    hours = facts.settings.session_longest_h
    if hours is None:
        return Found("failed", "a session that is used goes on for ever", None, LONGEST_H)
    return Found(
        "passed" if hours <= LONGEST_H else "failed", f"a session ends after {hours} hours", hours, LONGEST_H
    )


def _many_sessions(facts: Facts) -> Found:
    many = [each.user_id for each in facts.people if each.open_session_count > MOST_SESSIONS]
    return _none(many, len(facts.people), f"people have more than {MOST_SESSIONS} open sessions")


def _reused(facts: Facts) -> Found:
    verdict: Verdict = "failed" if facts.reused_count else "passed"
    return Found(
        verdict, "refresh tokens came back in the last 30 days and ended their sessions", facts.reused_count
    )


def _unending(facts: Facts) -> Found:
    return _none(
        [key.id for key in facts.keys if key.expires_at is None], len(facts.keys), "keys have no end"
    )


def _stale(facts: Facts) -> Found:
    since = facts.now - STALE
    stale = [key.id for key in facts.keys if (key.last_used_at or key.created_at) < since]
    return _none(stale, len(facts.keys), f"keys were not used for {STALE.days} days")


def _broad(facts: Facts) -> Found:
    broad = [key.id for key in facts.keys if key.scopes & POWER]
    return _none(broad, len(facts.keys), "keys may change who may what")


def _dormant(facts: Facts) -> Found:
    since = facts.now - STALE
    dormant = [
        each.user_id
        for each in facts.people
        if max(each.member_since, each.last_came_at or each.member_since) < since
    ]
    return _none(dormant, len(facts.people), f"people have not come in for {STALE.days} days")


def _few_leaders(facts: Facts) -> Found:
    leaders = _leaders(facts)
    most = max(LEADERS_ANYWAY, int(LEADERS_SHARE * len(facts.people)))
    verdict: Verdict = "passed" if len(leaders) <= most else "failed"
    ids = [each.user_id for each in leaders]
    return Found(
        verdict, f"are owners or administrators; {most} would do", len(leaders), len(facts.people), ids
    )


def _failures(facts: Facts) -> Found:
    whole = facts.came_in_count + facts.failed_count
    if whole < FAILED_AT_LEAST:
        return Found("unknown", "too few attempts in the last 30 days", facts.failed_count, whole)
    verdict: Verdict = "passed" if facts.failed_count <= FAILED_SHARE * whole else "failed"
    return Found(verdict, "attempts to come in failed in the last 30 days", facts.failed_count, whole)


def _threats(facts: Facts) -> Found:
    return _none(facts.open_threats, len(facts.open_threats), "threats are waiting for somebody")


def _seals(facts: Facts) -> Found:
    if not facts.sealed_batches:
        return Found("unknown", "nothing is sealed yet")
    verdict: Verdict = "failed" if facts.broken_seals else "passed"
    return Found(
        verdict, "batches of events are not what was sealed", facts.broken_seals, facts.sealed_batches
    )


def _isolation(facts: Facts) -> Found:
    if facts.last_check is None:
        return Found("unknown", "nobody has tried it yet")
    tried_at, held = facts.last_check
    return Found("passed" if held else "failed", f"tried at {tried_at:%Y-%m-%d %H:%M} UTC")


def _isolation_recent(facts: Facts) -> Found:
    if facts.last_check is None:
        return Found("failed", "nobody has tried it yet")
    age = facts.now - facts.last_check[0]
    return Found("passed" if age <= RECENT else "failed", f"tried {age.days} days ago", age.days, RECENT.days)


def _cookies(facts: Facts) -> Found:
    secure: bool = facts.installation.cookie_is_secure
    return Found("passed" if secure else "failed", f"COOKIE_IS_SECURE is {secure}")


def _origins(facts: Facts) -> Found:
    origins: list[str] = facts.installation.cors_origins
    plain = [each for each in origins if each == "*" or each.startswith("http://")]
    return Found(
        "failed" if plain else "passed", "origins are everybody's or without TLS", len(plain), len(origins)
    )


def _limits(facts: Facts) -> Found:
    limited = bool(facts.installation.rate_limits)
    return Found(
        "passed" if limited else "failed", "calls are limited" if limited else "calls are not limited"
    )


def _ways_out(facts: Facts) -> Found:
    opened = [
        name for name in ("out_private_hosts", "mail_private_hosts") if getattr(facts.installation, name)
    ]
    return Found("failed" if opened else "passed", f"open: {', '.join(opened) or 'none'}", len(opened), 2)


_SETTINGS = "PUT /api/v1/settings/security"
CHECKS: tuple[Check, ...] = (
    Check(
        "second_factor.leaders",
        "second_factor",
        "critical",
        "Owners and administrators have a second factor",
        "Ask them to register a passkey or one-time codes, or set second_factor to required_for_admins.",
        _SETTINGS,
        _leaders_factor,
    ),
    Check(
        "second_factor.people",
        "second_factor",
        "medium",
        "Everybody else has a second factor",
        "Set second_factor to required.",
        _SETTINGS,
        _peoples_factor,
    ),
    Check(
        "second_factor.demanded",
        "second_factor",
        "medium",
        "A second factor is asked for",
        "Set second_factor to required_for_admins or required.",
        _SETTINGS,
        _factor_demanded,
    ),
    Check(
        "passwords.length",
        "passwords",
        "low",
        f"New passwords have {PASSWORD_LENGTH} characters or more",
        f"Set password_min_length to {PASSWORD_LENGTH} or more.",
        _SETTINGS,
        _password_length,
    ),
    Check(
        "sessions.idle",
        "sessions",
        "medium",
        f"A session ends that is unused for {IDLE_H} hours",
        "Set session_idle_h.",
        _SETTINGS,
        _idle,
    ),
    Check(
        "sessions.longest",
        "sessions",
        "low",
        f"Every session ends after {LONGEST_H} hours",
        "Set session_longest_h.",
        _SETTINGS,
        _longest,
    ),
    Check(
        "sessions.many",
        "sessions",
        "low",
        "Nobody has an unusual number of open sessions",
        "Ask these people to look at their sessions and end those that they do not know.",
        None,
        _many_sessions,
    ),
    Check(
        "sessions.reused",
        "sessions",
        "high",
        "No refresh token came back",
        "Ask these people whether they know why; a program that repeats an old token looks like a thief.",
        "GET /api/v1/audit/security-events?name=refresh.reused",
        _reused,
    ),
    Check(
        "api_keys.unending",
        "api_keys",
        "medium",
        "Every key has an end",
        "Give them an end, or make new ones.",
        "PUT /api/v1/auth/api-keys/{id}",
        _unending,
    ),
    Check(
        "api_keys.stale",
        "api_keys",
        "medium",
        "Every key is in use",
        "Revoke those that nobody misses.",
        "DELETE /api/v1/auth/api-keys/{id}",
        _stale,
    ),
    Check(
        "api_keys.broad",
        "api_keys",
        "high",
        "No key may change who may what",
        "Take these scopes from them.",
        "PUT /api/v1/auth/api-keys/{id}",
        _broad,
    ),
    Check(
        "people.dormant",
        "people",
        "medium",
        "Everybody who may come in does",
        "Suspend those who have left.",
        None,
        _dormant,
    ),
    Check(
        "people.leaders",
        "people",
        "low",
        "Few people are owners or administrators",
        "Give those who need less a role that allows less.",
        None,
        _few_leaders,
    ),
    Check(
        "log_in.threats",
        "log_in",
        "high",
        "No threat is waiting",
        "Look at each, ask the person, acknowledge it.",
        "POST /api/v1/security/threats/{id}/acknowledge",
        _threats,
    ),
    Check(
        "log_in.failures",
        "log_in",
        "low",
        f"At most {FAILED_SHARE:.0%} of attempts to come in fail",
        "See who fails: a program with an old password, or somebody who guesses.",
        "GET /api/v1/audit/security-events?name=login.failed",
        _failures,
    ),
    Check(
        "audit.seals",
        "audit",
        "critical",
        "The audit log is what was sealed",
        "Find out who has access to the database itself, and compare with a backup.",
        "GET /api/v1/audit/verify",
        _seals,
    ),
    Check(
        "isolation.holds",
        "isolation",
        "critical",
        "Nobody crosses into another tenant",
        "See what was crossed; call whoever runs the installation.",
        "GET /api/v1/b2b/multi-tenant/data-isolation/checks",
        _isolation,
    ),
    Check(
        "isolation.recent",
        "isolation",
        "low",
        f"That was tried in the last {RECENT.days} days",
        "Try it now, or put it on a schedule.",
        "POST /api/v1/b2b/multi-tenant/data-isolation/check",
        _isolation_recent,
    ),
    Check(
        "installation.cookies",
        "installation",
        "high",
        "Log-in cookies travel over HTTPS only",
        "Whoever runs the installation sets COOKIE_IS_SECURE.",
        None,
        _cookies,
    ),
    Check(
        "installation.origins",
        "installation",
        "medium",
        "Only named origins over HTTPS may call with a token",
        "Whoever runs the installation sets CORS_ORIGINS.",
        None,
        _origins,
    ),
    Check(
        "installation.limits",
        "installation",
        "medium",
        "Calls are limited",
        "Whoever runs the installation sets RATE_LIMITS.",
        None,
        _limits,
    ),
    Check(
        "installation.ways_out",
        "installation",
        "medium",
        "Nobody's settings lead into the private network",
        "Whoever runs the installation switches OUT_PRIVATE_HOSTS and MAIL_PRIVATE_HOSTS off.",
        None,
        _ways_out,
    ),
)
