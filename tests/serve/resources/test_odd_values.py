"""Values that fit their type in the letter only. Each was found by requests that nobody had thought of."""

from __future__ import annotations

import pytest

from tests.serve.firm import VAN

ACCOUNT = {"name": "Nordlicht", "country": "DE"}


def refused(response) -> list[str]:
    assert response.status_code == 422, response.text
    return [detail["field"] for detail in response.json()["error"]["details"]]


@pytest.mark.parametrize("name", ["date_start", "since_date_end", "churned_at_start"])
def test_a_number_is_no_day(firm, name):
    """It would be read as seconds since 1970."""
    assert refused(firm.client().get("/api/v1/accounts", params={name: "0"})) == [name]
    assert refused(firm.client().get("/api/v1/accounts/stats", params={name: "86400"})) == [name]


@pytest.mark.parametrize(
    "address",
    [
        "audit?date_end=0",
        "notifications?date_start=1",
        "dashboard/kpis?end=0",
        "analytics/roi/calculation?start=7",
    ],
)
def test_nowhere(firm, address):
    assert refused(firm.client().get(f"/api/v1/{address}")) == [address.partition("?")[2].partition("=")[0]]


@pytest.mark.parametrize(("field", "value"), [("since_date", 0), ("since_date", "86400"), ("churned_at", 1)])
def test_a_number_is_no_day_in_a_body(firm, field, value):
    before = firm.sql("select count(*) from accounts")
    assert refused(firm.client().post("/api/v1/accounts", json=ACCOUNT | {field: value})) == [field]
    assert refused(firm.client().post("/api/v1/vehicles", json=VAN | {"acquired_date": 0})) == [
        "acquired_date"
    ]
    assert firm.sql("select count(*) from accounts") == before


@pytest.mark.parametrize("free", [{"a\0": 1}, {"a": "\0"}, {"a": [{"b": "x\0"}]}])
def test_what_no_json_column_can_hold_is_named(firm, free):
    """PostgreSQL knows no NUL in text, however deep; said in our words and not in its."""
    response = firm.client().post("/api/v1/accounts", json=ACCOUNT | {"attributes": free})
    assert refused(response) == ["attributes"]
    assert "Unicode" not in response.text


@pytest.mark.parametrize("value", [True, False])
def test_true_is_no_number(firm, value):
    """It would be read as 1."""
    client, before = firm.client(), firm.sql("select count(*) from vehicles")
    assert refused(client.post("/api/v1/vehicles", json=VAN | {"odometer_km": value})) == ["odometer_km"]
    assert refused(client.post("/api/v1/vehicles", json=VAN | {"model_year": value})) == ["model_year"]
    assert firm.sql("select count(*) from vehicles") == before
    free = client.post("/api/v1/accounts", json=ACCOUNT | {"attributes": {"is_key": value}})
    assert free.json()["data"]["attributes"] == {"is_key": value}


@pytest.mark.parametrize("value", [0, 1, 0.0])
def test_a_number_is_neither_true_nor_false(firm, value):
    sent = {"full_name": "Ada Byron", "consent_email": value}
    assert refused(firm.client().post("/api/v1/contacts", json=sent)) == ["consent_email"]


@pytest.mark.parametrize("value", [2**64, -(2**63) - 1])
def test_whole_numbers_that_no_client_could_read(firm, value):
    """The value is not repeated."""
    response = firm.client().post("/api/v1/accounts", json=ACCOUNT | {"attributes": {"a": [value]}})
    assert refused(response) == ["attributes"]
    assert str(value) not in response.text
    most = firm.client().post("/api/v1/accounts", json=ACCOUNT | {"attributes": {"a": 2**63}})
    assert most.json()["data"]["attributes"] == {"a": 2**63}


def test_a_field_asked_for_twice_is_there_once(firm):
    client = firm.client()
    client.post("/api/v1/vehicles", json=VAN)
    [row] = client.get("/api/v1/vehicles?fields=make&fields=zone_id&fields=make").json()["data"]
    assert row == {"make": "Opel", "zone_id": None}


def test_null_is_no_mapping(firm):
    content = ",".join(VAN) + "\n" + ",".join(map(str, VAN.values())) + "\n"
    sent = {"files": {"file": ("vans.csv", content.encode())}, "data": {"mapping": "null", "dry_run": "true"}}
    assert firm.client().post("/api/v1/vehicles/import", **sent).status_code == 202
