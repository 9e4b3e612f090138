"""How safe a tenant is set up, as rules: what each check says of facts, and what makes a control met."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from uuid import uuid4

import pytest

from serve.identity.security import controls
from serve.identity.security.controls import CONTROLS, judged
from serve.identity.security.posture import WEIGHTS, Facts, Found, Key, Person, level, score
from serve.identity.security.posture_checks import CHECKS, looked_at

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=200)


def person(role="agent", **more):
    usual = {
        "member_since": LONG_AGO,
        "last_came_at": NOW,
        "open_session_count": 1,
        "has_second_factor": True,
    }
    return Person(uuid4(), role, **usual | more)


def key(**more):
    usual = {
        "scopes": frozenset({"contacts:read"}),
        "created_at": LONG_AGO,
        "last_used_at": NOW,
        "expires_at": NOW + timedelta(days=30),
    }
    return Key(uuid4(), **usual | more)


GOOD = Facts(
    now=NOW,
    people=[person("owner"), person("admin"), *(person() for _ in range(8))],
    keys=[key()],
    settings=SimpleNamespace(
        second_factor="required", password_min_length=12, session_idle_h=24, session_longest_h=720
    ),
    installation=SimpleNamespace(
        cookie_is_secure=True,
        cors_origins=["https://desk.example"],
        rate_limits="read=600/60",
        out_private_hosts=False,
        mail_private_hosts=False,
        session_life_h=336,
    ),
    came_in_count=95,
    failed_count=5,
    reused_count=0,
    open_threats=[],
    broken_seals=0,
    sealed_batches=4,
    last_check=(NOW - timedelta(days=1), True),
)

WORSE = {
    "second_factor.leaders": {"people": [person("owner", has_second_factor=False)]},
    "second_factor.people": {"people": [person(has_second_factor=False)]},
    "passwords.length": {
        "settings": SimpleNamespace(
            second_factor="required", password_min_length=10, session_idle_h=1, session_longest_h=9
        )
    },
    "sessions.idle": {
        "settings": SimpleNamespace(
            second_factor="required", password_min_length=12, session_idle_h=None, session_longest_h=720
        )
    },
    "sessions.longest": {
        "settings": SimpleNamespace(
            second_factor="required", password_min_length=12, session_idle_h=24, session_longest_h=None
        )
    },
    "second_factor.demanded": {
        "settings": SimpleNamespace(
            second_factor="optional", password_min_length=12, session_idle_h=24, session_longest_h=720
        )
    },
    "sessions.many": {"people": [person(open_session_count=11)]},
    "sessions.reused": {"reused_count": 1},
    "api_keys.unending": {"keys": [key(expires_at=None)]},
    "api_keys.stale": {"keys": [key(last_used_at=NOW - timedelta(days=91))]},
    "api_keys.broad": {"keys": [key(scopes=frozenset({"users:write"}))]},
    "people.dormant": {"people": [person(last_came_at=NOW - timedelta(days=91))]},
    "people.leaders": {"people": [person("admin") for _ in range(4)]},
    "log_in.threats": {"open_threats": [uuid4()]},
    "log_in.failures": {"failed_count": 60},
    "audit.seals": {"broken_seals": 1},
    "isolation.holds": {"last_check": (NOW, False)},
    "isolation.recent": {"last_check": (NOW - timedelta(days=31), True)},
    **{
        f"installation.{name}": {"installation": SimpleNamespace(**vars(GOOD.installation) | changes)}
        for name, changes in {
            "cookies": {"cookie_is_secure": False},
            "origins": {"cors_origins": ["*"]},
            "limits": {"rate_limits": ""},
            "ways_out": {"mail_private_hosts": True},
        }.items()
    },
}
"""For each check what makes it fail."""


def failed(facts):
    return {check.name: found for check, found in looked_at(facts) if found.verdict == "failed"}


class TestChecks:
    def test_all_is_well(self):
        found = looked_at(GOOD)
        assert {check.name: each.verdict for check, each in found} == {
            check.name: "passed" for check in CHECKS
        }
        assert (score(found), level(found)) == (100, "good")

    @pytest.mark.parametrize("name", [check.name for check in CHECKS])
    def test_each_fails_for_its_own_reason(self, name):
        facts = replace(GOOD, **WORSE[name])
        found = failed(facts)
        assert set(found) == {name}
        weights = {check.name: WEIGHTS[check.severity] for check in CHECKS}
        assert score(looked_at(facts)) == round(100 * (1 - weights[name] / sum(weights.values())))
        assert level(looked_at(facts)) == next(check.severity for check in CHECKS if check.name == name)

    def test_the_ids_are_those_of_whom_it_is_about(self):
        unsafe = person("owner", has_second_factor=False)
        found = failed(replace(GOOD, people=[*GOOD.people, unsafe]))["second_factor.leaders"]
        assert (found.count, found.of, found.ids) == (1, 3, [unsafe.user_id])

    def test_a_new_member_and_a_new_key_are_not_stale(self):
        facts = replace(
            GOOD,
            people=[person(member_since=NOW, last_came_at=None)],
            keys=[key(created_at=NOW, last_used_at=None)],
        )
        assert failed(facts) == {}

    def test_what_nobody_knows_counts_for_nothing(self):
        facts = replace(GOOD, came_in_count=3, failed_count=3, last_check=None)
        verdicts = {check.name: each.verdict for check, each in looked_at(facts)}
        assert verdicts["log_in.failures"] == verdicts["isolation.holds"] == "unknown"
        facts = replace(facts, last_check=GOOD.last_check)
        assert score(looked_at(facts)) == 100

    def test_nothing_known_is_no_score(self):
        assert score([]) is None


class TestControls:
    CONTROL = controls.Control("A.5.18", "iso27001", "Reviewed", ("people.leaders",), needs_person=True)

    @pytest.mark.parametrize(
        ("verdict", "said", "until", "expected"),
        [
            ("passed", None, 1, "needs_person"),
            ("passed", "met", 1, "passed"),
            ("passed", "met", 0, "passed"),
            ("passed", "met", -1, "needs_person"),
            ("passed", "not_met", 1, "failed"),
            ("failed", "met", 1, "failed"),
            ("failed", None, 1, "failed"),
            ("failed", "not_applicable", 1, "failed"),
            ("passed", "not_applicable", 1, "not_applicable"),
        ],
    )
    def test_checks_and_words(self, verdict, said, until, expected):
        today = date(2026, 11, 20)
        word = said and {"verdict": said, "valid_until": today + timedelta(days=until)}
        assert judged(self.CONTROL, {"people.leaders": Found(verdict, "")}, word, today) == expected

    def test_each_has_evidence_that_is_there(self):
        names = {check.name for check in CHECKS}
        for control in CONTROLS:
            assert control.checks or (control.document and control.needs_person), control.number
            assert set(control.checks) <= names
