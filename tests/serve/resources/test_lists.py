"""Lists of a resource: filters, words, order, pages and cursors, totals, fields, statistics."""

from __future__ import annotations

import pytest

ACCOUNTS = "/api/v1/accounts"


@pytest.fixture(scope="module")
def many(firm):
    """Twelve accounts of A and one of B."""
    owner = firm.client()
    for number in range(12):
        body = {
            "name": f"Firma {number:02d} Müller's & Söhne" if number % 2 else f"Haus {number:02d}",
            "kind": "company" if number % 2 else "household",
            "segment": ("enterprise", "smb", "consumer")[number % 3],
            "country": "DE",
            "city": None if number == 5 else ("Bremen", "Kiel")[number % 2],
            "since_date": f"2025-{number + 1:02d}-01",
        }
        assert owner.post(ACCOUNTS, json=body).status_code == 201
    firm.client(tenant=firm.b).post(ACCOUNTS, json={"name": "Fremd", "country": "DE"})
    return owner


def names(response) -> list[str]:
    assert response.status_code == 200, response.text
    return [row["name"][:8].strip() for row in response.json()["data"]]


class TestFilters:
    @pytest.mark.parametrize(
        ("asked", "count"),
        [
            ({}, 12),
            ({"kind": "company"}, 6),
            ({"segment": "enterprise,smb"}, 8),
            ({"segment": ["enterprise", "smb"]}, 8),
            ({"kind": "company", "segment": "smb"}, 2),
            ({"hasCity": "false"}, 1),
            ({"since_date_start": "2025-03-01", "sinceDateEnd": "2025-05-01"}, 3),
            ({"date_start": "2100-01-01"}, 0),
            ({"date_end": "2100-01-01"}, 12),
            ({"search": "müller"}, 6),
            ({"search": "firm kiel"}, 5),
            ({"search": "müller's &"}, 6),
            ({"search": "') | !'"}, 0),
            ({"min_churn_score": 0.1}, 0),
            ({"deleted": "true"}, 0),
        ],
    )
    def test_each_narrows_the_list(self, many, asked, count):
        response = many.get(ACCOUNTS, params=asked)
        assert response.status_code == 200, response.text
        assert response.json()["meta"]["total"] == count

    @pytest.mark.parametrize(
        ("asked", "field"),
        [
            ({"colour": "red"}, "colour"),
            ({"segment": "tiny"}, "segment"),
            ({"min_churn_score": "much"}, "min_churn_score"),
            ({"sinceDateStart": "yesterday"}, "sinceDateStart"),
            ({"sort": "-attributes"}, "sort"),
            ({"fields": "name,password"}, "fields"),
            ({"page": 1, "offset": 0}, "offset"),
            ({"per_page": 1001}, "per_page"),
            ({"cursor": "rubbish"}, "cursor"),
            ({"name": "nul\0"}, "name"),
        ],
    )
    def test_what_cannot_be_asked_is_named(self, many, asked, field):
        response = many.get(ACCOUNTS, params=asked)
        assert response.status_code == 422
        assert response.json()["error"]["details"][0]["field"].split("[")[0].split(".")[0] == field


class TestOrder:
    def test_the_newest_come_first(self, many):
        assert names(many.get(ACCOUNTS))[:2] == ["Firma 11", "Haus 10"]

    def test_by_several_columns_and_empty_ones_last(self, many):
        rows = many.get(ACCOUNTS, params={"sort": "city,-name", "per_page": 50}).json()["data"]
        keys = [(row["city"] or "~", row["name"]) for row in rows]
        assert [key[0] for key in keys] == sorted(key[0] for key in keys)
        for city in {key[0] for key in keys}:
            of_city = [key[1] for key in keys if key[0] == city]
            assert of_city == sorted(of_city, reverse=True)


class TestPages:
    def test_both_spellings_are_the_same_page(self, many):
        by_page = many.get(ACCOUNTS, params={"page": 2, "per_page": 5}).json()
        by_offset = many.get(ACCOUNTS, params={"offset": 5, "limit": 5}).json()
        assert by_page["data"] == by_offset["data"]
        assert (
            by_page["meta"] | {"page": 2, "per_page": 5, "total": 12, "total_pages": 3, "offset": 5}
            == (by_page["meta"])
        )

    def test_past_the_end_there_is_nothing_and_the_total_is_still_right(self, many):
        past = many.get(ACCOUNTS, params={"page": 9, "per_page": 5}).json()
        assert (past["data"], past["meta"]["total"]) == ([], 12)

    @pytest.mark.parametrize("sort", [None, "city,-since_date", "-city", "name", "-churn_score,segment"])
    def test_a_cursor_goes_through_all_rows_once(self, many, sort):
        whole = many.get(ACCOUNTS, params={"per_page": 50} | ({"sort": sort} if sort else {})).json()["data"]
        found, asked = [], {"per_page": 5} | ({"sort": sort} if sort else {})
        for _ in range(10):
            page = many.get(ACCOUNTS, params=asked).json()
            found += page["data"]
            if page["meta"]["next_cursor"] is None:
                break
            asked["cursor"] = page["meta"]["next_cursor"]
        assert found == whole

    def test_a_cursor_of_another_order_is_refused(self, many):
        cursor = many.get(ACCOUNTS, params={"per_page": 2}).json()["meta"]["next_cursor"]
        assert many.get(ACCOUNTS, params={"cursor": cursor, "sort": "name"}).status_code == 422

    def test_the_total_of_a_filtered_list_follows_what_happens(self, many):
        asked = {"segment": "smb,consumer", "kind": "company", "per_page": 1}
        totals = [many.get(ACCOUNTS, params=asked).json()["meta"]["total"] for _ in range(2)]
        made = many.post(ACCOUNTS, json={"name": "One more", "country": "DE"}).json()["data"]
        totals.append(many.get(ACCOUNTS, params=asked).json()["meta"]["total"])
        many.delete(f"{ACCOUNTS}/{made['id']}")
        totals.append(many.get(ACCOUNTS, params=asked).json()["meta"]["total"])
        assert totals == [4, 4, 5, 4]

    def test_totals_can_be_left_out(self, many):
        page = many.get(ACCOUNTS, params={"count": "none", "per_page": 5}).json()
        assert page["meta"]["total"] is None

    def test_a_large_total_is_an_estimate_unless_asked(self, many, monkeypatch):
        monkeypatch.setattr("serve.kernel.resources.listing.EXACT_UNTIL", 7)
        page = many.get(ACCOUNTS, params={"per_page": 5}).json()["meta"]
        assert (page["total"], page["total_is_estimate"]) == (7, True)
        page = many.get(ACCOUNTS, params={"per_page": 5, "count": "exact"}).json()["meta"]
        assert (page["total"], page["total_is_estimate"]) == (12, False)


def test_only_the_fields_asked_for(many):
    rows = many.get(ACCOUNTS, params={"fields": "name,city", "sort": "segment"}).json()["data"]
    assert {tuple(row) for row in rows} == {("name", "city")}


def test_statistics_under_the_same_filters(many):
    found = many.get(f"{ACCOUNTS}/stats", params={"by": "kind,city", "segment": "smb"}).json()["data"]
    assert found["total"] == 4
    assert {group["value"]: group["count"] for group in found["by"]["kind"]} == {"company": 2, "household": 2}
    assert sum(group["count"] for group in found["by"]["city"]) == 4
    assert many.get(f"{ACCOUNTS}/stats", params={"by": "name"}).status_code == 422  # people's names
