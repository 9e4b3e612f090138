"""What is taken for an attack and what is left alone, on sequences that are written down."""

from __future__ import annotations

import doctest
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from serve.identity.security import places, proofs
from serve.identity.security.threats import SignIn, of_address, of_person

ADA = UUID(int=1)
MONDAY = datetime(2026, 11, 16, 8, tzinfo=UTC)


def came(minutes, country, address=None, *, user=ADA, failed=False):
    """An attempt so many minutes after Monday morning."""
    address = address or f"198.51.100.{sum(map(ord, country or '')) % 250}"
    return SignIn(user, MONDAY + timedelta(minutes=minutes), not failed, address, country)


DAY = 24 * 60
AT_HOME = [came(-DAY * days, "DE", "192.0.2.1") for days in range(10, 0, -1)]


def kinds(*attempts):
    return [each.kind for each in of_person(attempts)]


@pytest.mark.parametrize("module", [places, proofs])
def test_examples_in_the_words_are_true(module):
    assert doctest.testmod(module).failed == 0


class TestImpossibleTravel:
    def test_berlin_and_new_york_within_half_an_hour(self):
        (threat,) = of_person([came(0, "DE"), came(30, "US")])
        assert (threat.kind, threat.severity, threat.user_id) == ("impossible_travel", "high", ADA)
        assert threat.evidence == {"countries": ["DE", "US"], "distance_km": 3318, "minutes": 30}
        assert (threat.first_at, threat.last_at) == (MONDAY, MONDAY + timedelta(minutes=30))

    @pytest.mark.parametrize(
        ("minutes", "expected"), [(3 * 60 + 41, ["impossible_travel"]), (3 * 60 + 42, []), (9 * 60, [])]
    )
    def test_900_km_an_hour_is_the_limit(self, minutes, expected):
        """3318 km take 3 hours and 41.2 minutes."""
        assert kinds(came(0, "DE"), came(minutes, "US")) == expected

    @pytest.mark.parametrize(
        "countries",
        [
            ("DE", "NL"),
            ("DE", "FR"),
            ("DE", "PL"),
            ("US", "CA"),
            ("US", "MX"),
            ("SG", "MY"),
            ("GB", "IE"),
            ("BR", "AR"),
            ("IN", "PK"),
            ("CN", "VN"),
            ("SA", "AE"),
            ("PT", "ES"),
        ],
    )
    def test_neighbours_are_a_vpn_or_a_mobile_network(self, countries):
        here, there = countries
        assert kinds(came(0, here), came(1, there), came(2, here)) == []

    def test_a_mobile_network_changes_addresses_within_a_country(self):
        assert kinds(*(came(n, "DE", f"203.0.113.{n}") for n in range(50))) == []

    def test_private_and_unknown_addresses_are_nowhere(self):
        assert kinds(came(0, "DE"), came(1, None, "10.0.0.7"), came(2, "DE")) == []

    def test_an_unknown_place_between_hides_nothing(self):
        assert kinds(came(0, "DE"), came(1, None, "10.0.0.7"), came(2, "AU")) == ["impossible_travel"]

    def test_a_vpn_that_has_been_in_use_for_days(self):
        vpn = "198.51.100.77"
        assert kinds(came(-3 * DAY, "US", vpn), came(0, "DE"), came(10, "US", vpn), came(20, "DE")) == []

    def test_a_vpn_of_today_is_new(self):
        assert "impossible_travel" in kinds(came(-60, "US", "198.51.100.77"), came(0, "DE"))

    def test_failures_do_not_travel(self):
        assert kinds(came(0, "DE"), came(5, "US", failed=True), came(10, "DE")) == []

    def test_to_and_fro_is_one_threat(self):
        found = of_person([came(0, "DE"), came(10, "US"), came(20, "DE"), came(30, "US")])
        assert len({each.key for each in found}) == 1

    def test_the_order_of_rows_does_not_matter(self):
        assert kinds(came(30, "US"), came(0, "DE")) == ["impossible_travel"]


class TestNewCountry:
    def test_whoever_is_always_at_home(self):
        (threat,) = of_person([*AT_HOME, came(2 * DAY, "BR")])
        assert (threat.kind, threat.severity) == ("new_country", "low")
        assert threat.evidence == {"countries": ["BR"], "known_countries": ["DE"]}

    def test_once_for_each_country(self):
        assert kinds(*AT_HOME, came(2 * DAY, "BR"), came(3 * DAY, "BR")) == ["new_country"]

    def test_somebody_whose_habits_nobody_knows(self):
        assert kinds(*AT_HOME[-3:], came(2 * DAY, "BR")) == []
        assert kinds(*(came(n, "DE") for n in range(10)), came(2 * DAY, "BR")) == []


class TestAttackedAccount:
    def failures(self, count, addresses, minutes=10):
        return [
            came(n * minutes / count, "RU", f"203.0.113.{n % addresses}", failed=True) for n in range(count)
        ]

    def test_many_failures_from_several_addresses(self):
        (threat,) = of_person(self.failures(12, 4))
        assert (threat.kind, threat.severity) == ("attacked_account", "medium")
        assert threat.evidence == {"failed_count": 12, "address_count": 4, "somebody_came_in_after": False}

    def test_worse_when_somebody_comes_in_after(self):
        found = list(of_person([*self.failures(12, 4), came(15, "RU", "203.0.113.2")]))
        assert [(each.kind, each.severity) for each in found] == [("attacked_account", "high")]

    def test_the_person_coming_in_from_home_is_not_worse(self):
        found = list(of_person([*AT_HOME, *self.failures(12, 4), came(15, "DE", "192.0.2.1")]))
        assert [each.severity for each in found if each.kind == "attacked_account"] == ["medium"]

    @pytest.mark.parametrize(
        ("count", "addresses", "minutes"),
        [(9, 4, 10), (40, 2, 10), (12, 4, 24 * 60)],
        ids=["a few", "somebody who mistypes on two devices", "spread over a day"],
    )
    def test_what_is_left_alone(self, count, addresses, minutes):
        assert kinds(*self.failures(count, addresses, minutes)) == []


class TestCredentialStuffing:
    def tries(self, accounts, minutes=10):
        return [
            came(n * minutes / accounts, "RU", "203.0.113.9", user=UUID(int=n + 1), failed=True)
            for n in range(accounts)
        ]

    def test_a_list_of_stolen_passwords(self):
        (threat,) = of_address("203.0.113.9", self.tries(20))
        assert (threat.kind, threat.severity, threat.user_id) == ("credential_stuffing", "high", None)
        assert threat.evidence["account_count"] >= 8

    def test_an_office_where_people_mistype(self):
        office = [came(-DAY, "DE", "203.0.113.9", user=uuid4()) for _ in range(5)]
        assert list(of_address("203.0.113.9", [*office, *self.tries(12)])) == []
        assert list(of_address("203.0.113.9", [*office, *self.tries(30)])) != []

    @pytest.mark.parametrize(("accounts", "minutes"), [(7, 10), (20, 24 * 60)])
    def test_what_is_left_alone(self, accounts, minutes):
        assert list(of_address("203.0.113.9", self.tries(accounts, minutes))) == []
