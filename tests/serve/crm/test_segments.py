"""Conditions: what they mean, how they fail, and segments that keep them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

FILTER, SEGMENTS = "/api/v1/leads/advanced-filter", "/api/v1/segments"
TAGS, CITIES = ("vip", "old", "fleet"), ("Bremen", "Köln_1", "100% Kiel")
NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def rows(firm) -> list[dict[str, Any]]:
    """Leads that differ in everything, and are sometimes silent about it."""
    client = firm.client("owner")
    made = [
        {
            "full_name": f"Lead {number}",
            "source": ("web", "referral")[number % 2],
            "status": ("new", "contacted", "qualified")[number % 3],
            "city": (*CITIES, None)[number % 4],
            "tags": [tag for place, tag in enumerate(TAGS) if number >> place & 1],
            "consent_email": number % 5 == 0,
            "value_cents": None if number % 7 == 0 else number * 100,
            "latitude": None if number % 3 else 50.0 + number,
            "longitude": None if number % 3 else 8.0,
        }
        for number in range(30)
    ]
    answer = client.post("/api/v1/leads/bulk", json={"rows": made})
    assert answer.status_code == 200, answer.text
    listed: list[dict[str, Any]] = client.get("/api/v1/leads", params={"limit": 1000}).json()["data"]
    return listed


def comparison(field: str, op: str, value: Any) -> dict[str, Any]:
    return {"field": field, "op": op, "value": value}


def of(field: str, values: st.SearchStrategy[Any], *more: st.SearchStrategy[dict[str, Any]]) -> Any:
    """Comparisons that go with every field, and those of this one."""
    lists = st.lists(values, min_size=1, max_size=3)
    return st.one_of(
        st.builds(comparison, st.just(field), st.sampled_from(["eq", "ne"]), values),
        st.builds(comparison, st.just(field), st.sampled_from(["in", "not_in"]), lists),
        st.builds(comparison, st.just(field), st.just("is_empty"), st.booleans()),
        *more,
    )


def ordered(field: str, values: st.SearchStrategy[Any]) -> Any:
    return of(
        field,
        values,
        st.builds(comparison, st.just(field), st.sampled_from(["lt", "lte", "gt", "gte"]), values),
        st.builds(comparison, st.just(field), st.just("between"), st.lists(values, min_size=2, max_size=2)),
    )


CITY = st.sampled_from([*CITIES, "Nowhere"])
WORDS = st.lists(st.sampled_from([*TAGS, "none"]), min_size=1, max_size=2)
COMPARISONS = st.one_of(
    of("status", st.sampled_from(["new", "contacted", "won"])),
    of(
        "city",
        CITY,
        st.builds(
            comparison,
            st.just("city"),
            st.sampled_from(["contains", "starts_with"]),
            st.sampled_from(["e", "kö", "%", "_", "100"]),
        ),
    ),
    of("consent_email", st.booleans()),
    ordered("value_cents", st.integers(0, 3000)),
    ordered("latitude", st.floats(50, 80)),
    ordered("created_at", st.sampled_from([(NOW + timedelta(days=days)).isoformat() for days in (-2, 0, 2)])),
    st.builds(comparison, st.just("created_at"), st.just("within_days"), st.sampled_from([1, 30])),
    st.builds(comparison, st.just("tags"), st.sampled_from(["has", "has_any"]), WORDS),
    st.builds(comparison, st.just("tags"), st.just("is_empty"), st.booleans()),
)
CONDITIONS = st.recursive(
    COMPARISONS,
    lambda inner: st.one_of(
        st.builds(lambda parts: {"all": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda parts: {"any": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda part: {"not": part}, inner),
    ),
    max_leaves=6,
).filter(lambda where: deep(where) <= 5)


def deep(where: dict[str, Any]) -> int:
    parts = where.get("all") or where.get("any") or ([where["not"]] if "not" in where else [])
    return 1 + max((deep(each) for each in parts), default=0)


def holds(row: dict[str, Any], where: dict[str, Any]) -> bool:
    """What conditions mean, said once more."""
    if "all" in where:
        return all(holds(row, each) for each in where["all"])
    if "any" in where:
        return any(holds(row, each) for each in where["any"])
    if "not" in where:
        return not holds(row, where["not"])
    own, op, value = row[where["field"]], where["op"], where["value"]
    if where["field"] == "created_at" and op != "is_empty":
        own, value = _moment(own), _moments(value)
    if op == "is_empty":
        return (own in (None, [])) == value
    if op in ("ne", "not_in"):
        return own != value if op == "ne" else own not in value
    if own is None:
        return False
    return bool(MEANING[op](own, value))


MEANING = {
    "eq": lambda own, value: own == value,
    "in": lambda own, value: own in value,
    "lt": lambda own, value: own < value,
    "lte": lambda own, value: own <= value,
    "gt": lambda own, value: own > value,
    "gte": lambda own, value: own >= value,
    "between": lambda own, value: value[0] <= own <= value[1],
    "contains": lambda own, value: value.lower() in own.lower(),
    "starts_with": lambda own, value: own.lower().startswith(value.lower()),
    "has": lambda own, value: set(value) <= set(own),
    "has_any": lambda own, value: bool(set(value) & set(own)),
    "within_days": lambda own, value: NOW - timedelta(days=value) <= own,
}


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _moments(value: Any) -> Any:
    if isinstance(value, list):
        return [_moment(each) for each in value]
    return _moment(value) if isinstance(value, str) else value


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(where=CONDITIONS)
def test_conditions_mean_what_they_say(firm, rows, where):
    answer = firm.client("owner").post(FILTER, json={"where": where, "limit": 1000, "fields": ["id"]})
    assert answer.status_code == 200, answer.text
    assert {row["id"] for row in answer.json()["data"]} == {row["id"] for row in rows if holds(row, where)}


def found(firm, where: dict[str, Any]) -> set[str]:
    answer = firm.client("owner").post(FILTER, json={"where": where, "limit": 1000, "fields": ["id"]})
    assert answer.status_code == 200, answer.text
    return {row["id"] for row in answer.json()["data"]}


@pytest.mark.parametrize(
    ("field", "op", "value"),
    [("city", "eq", "Bremen"), ("value_cents", "lt", 1000), ("latitude", "between", [50, 60])],
)
def test_whatever_is_not_in_it_is_in_its_opposite(firm, rows, field, op, value):
    where = comparison(field, op, value)
    inside, outside = found(firm, where), found(firm, {"not": where})
    assert inside & outside == set()
    assert {row["id"] for row in rows if row[field] is None} <= outside
    assert {row["id"] for row in rows} <= inside | outside


def test_signs_of_patterns_are_letters(firm, rows):
    for text, city in (("%", "100% Kiel"), ("_", "Köln_1")):
        expected = {row["id"] for row in rows if row["city"] == city}
        assert found(firm, comparison("city", "contains", text)) == expected
    assert found(firm, comparison("city", "starts_with", "%")) == set()


def test_it_is_sorted_searched_and_in_pages(firm, rows):
    client = firm.client("owner")
    asked = {
        "where": comparison("value_cents", "gt", 0),
        "sort": "-value_cents",
        "limit": 3,
        "fields": ["value_cents"],
    }
    first = client.post(FILTER, json=asked).json()
    behind = client.post(FILTER, json={**asked, "cursor": first["meta"]["next_cursor"]}).json()
    found = [row["value_cents"] for row in first["data"] + behind["data"]]
    assert found == [2900, 2700, 2600, 2500, 2400, 2300]
    assert first["meta"]["total"] == sum(bool(row["value_cents"]) for row in rows)
    named = client.post(FILTER, json={"where": comparison("status", "ne", "won"), "search": "lead 7"}).json()
    assert [row["full_name"] for row in named["data"]] == ["Lead 7"]


@pytest.mark.parametrize(
    ("where", "field"),
    [
        (comparison("shoe_size", "eq", 42), "where.field"),
        (comparison("attributes", "eq", {}), "where.field"),
        (comparison("score", "contains", "x"), "where.op"),
        (comparison("status", "eq", "asleep"), "where.value"),
        (comparison("status", "in", "new"), "where.value"),
        (comparison("value_cents", "between", [1]), "where.value"),
        (comparison("value_cents", "eq", True), "where.value"),
        (comparison("created_at", "within_days", -1), "where.value"),
        (comparison("owner_id", "eq", "nobody"), "where.value"),
        (comparison("latitude", "gt", "NaN"), "where.value"),
        ({"all": [comparison("city", "eq", "Kiel"), comparison("city", "eq", "a\0")]}, "where.all[1].value"),
        ({"not": {"any": [comparison("city", "gt", "A")]}}, "where.not.any[0].op"),
        ({"not": {"not": {"not": {"not": {"not": comparison("city", "eq", "Kiel")}}}}}, "where"),
        ({"all": [comparison("city", "eq", "Kiel")] * 51}, "where.all"),
        ({"any": [{"any": [comparison("city", "eq", "Kiel")] * 26}] * 2}, "where"),
        (comparison("city", "in", ["Kiel"] * 201), "where.value"),
        (comparison("tags", "has", []), "where.value"),
    ],
)
def test_what_cannot_be_asked_is_named(firm, where, field):
    answer = firm.client("owner").post(FILTER, json={"where": where})
    assert answer.status_code == 422, answer.text
    assert any(field in detail["field"] for detail in answer.json()["error"]["details"]), answer.text


@pytest.mark.parametrize(
    "where", [None, [], {}, {"all": []}, {"any": 3}, {"all": [], "any": []}, {"op": "eq"}]
)
def test_what_is_no_condition_is_refused(firm, where):
    answer = firm.client("owner").post(FILTER, json={"where": where})
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]["details"]


WHERE = {
    "all": [
        comparison("tags", "has", ["vip"]),
        comparison("value_cents", "gte", 0),
        {"not": comparison("city", "eq", "Bremen")},
    ]
}


@pytest.fixture
def segment(firm):
    made = firm.client("owner").post(
        SEGMENTS, json={"name": f"Vips {datetime.now(UTC)}", "conditions": WHERE}
    )
    assert made.status_code == 201, made.text
    return made.json()["data"]


class TestSegments:
    def test_it_is_kept_as_it_was_written(self, firm, segment):
        assert segment["conditions"] == WHERE
        assert firm.client("owner").get(f"{SEGMENTS}/{segment['id']}").json()["data"]["conditions"] == WHERE

    def test_who_is_in_it_follows_from_the_rows(self, firm, rows, segment):
        client, path = firm.client("owner"), f"{SEGMENTS}/{segment['id']}"
        expected = {row["id"] for row in rows if holds(row, WHERE)}
        members = client.get(f"{path}/members", params={"limit": 1000}).json()
        assert {row["id"] for row in members["data"]} == expected
        assert client.get(f"{path}/count").json()["data"] == {"count": len(expected)}
        new = client.post(
            "/api/v1/leads", json={"full_name": "Ada", "tags": ["vip"], "value_cents": 7}
        ).json()["data"]
        assert client.get(f"{path}/count").json()["data"] == {"count": len(expected) + 1}
        client.delete(f"/api/v1/leads/{new['id']}")
        assert client.get(f"{path}/count").json()["data"] == {"count": len(expected)}

    def test_what_its_resource_cannot_be_asked_is_refused(self, firm, segment):
        client, path = firm.client("owner"), f"{SEGMENTS}/{segment['id']}"
        for change in ({"conditions": comparison("shoe_size", "eq", 42)}, {"resource": "accounts"}):
            answer = client.patch(path, json=change)
            assert answer.status_code == 422, answer.text
            assert answer.json()["error"]["details"][0]["field"].startswith("conditions")

    def test_who_may_not_read_the_rows_does_not_see_who_is_in_it(self, firm, segment):
        made = firm.client("owner").post(
            "/api/v1/auth/api-keys", json={"name": "counts", "scopes": ["segments:read"]}
        )
        assert made.status_code == 201, made.text
        program = firm.running.client(**{"X-API-Key": made.json()["data"]["key"]})
        assert program.get(f"{SEGMENTS}/{segment['id']}").status_code == 200
        for call in ("members", "count"):
            assert program.get(f"{SEGMENTS}/{segment['id']}/{call}").status_code == 403
