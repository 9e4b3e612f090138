"""Accounts that stand under one another: the tree, its bounds, and what deleting and merging make of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ACCOUNTS, MERGES = "/api/v1/accounts", "/api/v1/merges"


def data(answer, status: int = 200):
    assert answer.status_code == status, answer.text
    return answer.json()["data"]


def says(answer, field: str) -> str:
    assert answer.status_code == 422, answer.text
    [detail] = answer.json()["error"]["details"]
    assert detail["field"] == field
    return detail["message"]


@pytest.fixture
def make(owner):
    def made(name: str, parent: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
        body = {"name": name, "country": "DE", "parent_id": parent and parent["id"], **fields}
        row: dict[str, Any] = data(owner.post(ACCOUNTS, json=body), 201)
        return row

    return made


@pytest.fixture
def chain(make):
    """``chain(3)``: three accounts, each below the one before."""

    def made(count: int) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        for place in range(count):
            rows.append(make(f"Level {place}", rows[-1] if rows else None))
        return rows

    return made


def tree(client, account, **params):
    return data(client.get(f"{ACCOUNTS}/{account['id']}/tree", params=params))


def move(client, account, parent):
    return client.patch(f"{ACCOUNTS}/{account['id']}", json={"parent_id": parent and parent["id"]})


def parent_of(client, account) -> str | None:
    return data(client.get(f"{ACCOUNTS}/{account['id']}"))["parent_id"]


def merge(client, survivor, merged, **more: Any):
    return client.post(f"{ACCOUNTS}/{survivor['id']}/merge", json={"from_id": merged["id"], **more})


def undo(client, made, **more: Any):
    return client.post(f"{MERGES}/{made['id']}/undo", json=more)


class TestTree:
    def test_it_is_told_from_the_top_and_each_with_its_own(self, owner, make):
        group = make("Gruppe AG")
        north = make("Nord GmbH", group)
        south = make("Süd GmbH", group)
        harbour = make("Hafen GmbH", north)
        told = tree(owner, group)
        assert told["ancestors"] == []
        assert [(row["id"], row["level"], row["child_count"]) for row in told["descendants"]] == [
            (north["id"], 1, 1),
            (harbour["id"], 2, 0),
            (south["id"], 1, 0),
        ]
        assert told["descendant_count"] == 3
        assert len(tree(owner, group, levels=1)["descendants"]) == 2
        assert tree(owner, group, levels=1)["descendant_count"] == 3
        told = tree(owner, harbour)
        assert [(row["id"], row["level"]) for row in told["ancestors"]] == [
            (group["id"], -2),
            (north["id"], -1),
        ]
        assert (told["account"]["id"], told["account"]["level"], told["descendants"]) == (
            harbour["id"],
            0,
            [],
        )
        children = data(owner.get(ACCOUNTS, params={"parent_id": group["id"]}))
        assert {row["id"] for row in children} == {north["id"], south["id"]}

    def test_it_is_the_tenants_own(self, firm, owner, make):
        group = make("Gruppe AG")
        stranger = firm.client("owner", firm.b)
        assert stranger.get(f"{ACCOUNTS}/{group['id']}/tree").status_code == 404
        refused = stranger.post(ACCOUNTS, json={"name": "X", "country": "DE", "parent_id": group["id"]})
        assert says(refused, "parent_id") == "names nothing that exists"
        assert owner.get(f"{ACCOUNTS}/{uuid4()}/tree").status_code == 404

    def test_a_deleted_account_ends_its_branch_until_it_is_back(self, owner, make):
        group = make("Gruppe AG")
        north = make("Nord GmbH", group)
        harbour = make("Hafen GmbH", north)
        owner.delete(f"{ACCOUNTS}/{north['id']}")
        assert tree(owner, group)["descendants"] == []
        assert tree(owner, harbour)["ancestors"] == []
        data(owner.post(f"{ACCOUNTS}/{north['id']}/restore"))
        assert [row["id"] for row in tree(owner, group)["descendants"]] == [north["id"], harbour["id"]]


class TestBounds:
    def test_nothing_stands_below_itself(self, owner, chain):
        top, middle, bottom = chain(3)
        for parent in (top, middle, bottom):
            assert says(move(owner, top, parent), "parent_id") == "is the account itself, or stands below it"
        assert parent_of(owner, top) is None
        data(move(owner, bottom, None))
        data(move(owner, top, bottom))
        assert [row["id"] for row in tree(owner, middle)["ancestors"]] == [bottom["id"], top["id"]]

    def test_nor_by_way_of_a_deleted_one(self, owner, chain):
        top, middle, bottom = chain(3)
        owner.delete(f"{ACCOUNTS}/{middle['id']}")
        assert says(move(owner, top, bottom), "parent_id") == "is the account itself, or stands below it"

    def test_a_branch_has_ten_levels(self, owner, chain, make):
        rows = chain(10)
        assert "10 levels" in says(
            owner.post(ACCOUNTS, json={"name": "X", "country": "DE", "parent_id": rows[-1]["id"]}),
            "parent_id",
        )
        top = make("Above all")
        assert "10 levels" in says(move(owner, rows[0], top), "parent_id")
        data(move(owner, rows[1], top))

    def test_of_two_that_would_cross_one_is_refused(self, firm, make):
        for _ in range(5):
            one, other = make("One"), make("Other")
            with ThreadPoolExecutor(2) as both:
                answers = list(
                    both.map(
                        lambda pair: move(firm.client("owner"), *pair).status_code,
                        ((one, other), (other, one)),
                    )
                )
            assert sorted(answers) == [200, 422]

    def test_many_at_once_make_no_circle_either(self, owner, make):
        one, other = make("One"), make("Other")
        asked = [
            {"id": one["id"], "parent_id": other["id"]},
            {"id": other["id"], "parent_id": one["id"]},
        ]
        results = data(owner.patch(f"{ACCOUNTS}/bulk", json={"rows": asked}), 207)["results"]
        assert [each["status"] for each in results] == ["updated", "failed"]
        assert (parent_of(owner, one), parent_of(owner, other)) == (other["id"], None)


class TestMerging:
    def test_what_stood_below_the_one_stands_below_the_other(self, owner, make):
        first, second = make("Byron GmbH"), make("Byron AG")
        child = make("Werk", second)
        made = data(merge(owner, first, second))
        assert parent_of(owner, child) == first["id"]
        data(undo(owner, made))
        assert parent_of(owner, child) == second["id"]

    def test_it_takes_the_place_of_the_other_where_it_has_none(self, owner, make):
        group = make("Gruppe AG")
        first, second = make("Byron GmbH"), make("Byron AG", group)
        made = data(merge(owner, first, second))
        assert parent_of(owner, first) == group["id"]
        assert "parent_id" in made["taken_fields"]
        data(undo(owner, made))
        assert parent_of(owner, first) is None
        assert parent_of(owner, second) == group["id"]

    def test_one_from_below_takes_the_place(self, owner, chain):
        top, middle, between, bottom = chain(4)
        made = data(merge(owner, bottom, middle))
        assert parent_of(owner, bottom) == top["id"]
        assert parent_of(owner, between) == bottom["id"]
        data(undo(owner, made))
        assert [row["id"] for row in tree(owner, bottom)["ancestors"]] == [
            top["id"],
            middle["id"],
            between["id"],
        ]

    def test_one_from_above_stays_where_it_is(self, owner, chain):
        top, middle, bottom = chain(3)
        assert "below" in says(merge(owner, top, middle, take=["parent_id"]), "take")
        made = data(merge(owner, top, middle))
        assert (parent_of(owner, top), parent_of(owner, bottom)) == (None, top["id"])
        data(undo(owner, made))
        assert (parent_of(owner, middle), parent_of(owner, bottom)) == (top["id"], middle["id"])

    def test_what_cannot_go_back_is_named_and_left(self, owner, chain):
        top, middle, between, bottom = chain(4)
        made = data(merge(owner, bottom, middle))
        # The former middle account stood below the top, which is put below what stood below the middle one.
        data(move(owner, bottom, None))
        data(move(owner, top, between))
        answer = undo(owner, made)
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "CHANGED_SINCE_MERGE")
        left = data(undo(owner, made, leave_changed=True))["left_as_changed"]
        assert {each["field"] for each in left} == {"parent_id", "accounts.parent_id"}
        assert parent_of(owner, between) == bottom["id"]
        assert parent_of(owner, middle) == top["id"]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    parents=st.lists(st.integers(-1, 5), min_size=4, max_size=6),
    merges=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=3),
)
def test_whatever_is_merged_makes_no_circle_and_comes_apart_exactly(parents, merges, owner, make, firm):
    rows: list[dict[str, Any]] = []
    for place, parent in enumerate(parents):
        rows.append(make(f"Account {place}", rows[parent % place] if place and parent >= 0 else None))
    ids = [row["id"] for row in rows]

    def stands() -> dict[str, str | None]:
        found = firm.sql("select id::text, parent_id::text from accounts where id = any(%s::uuid[])", ids)
        return dict(found)

    before, done = stands(), []
    for one, other in merges:
        answer = merge(owner, rows[one % len(rows)], rows[other % len(rows)])
        assert answer.status_code in (200, 404, 409, 422)
        if answer.status_code == 200 and answer.json()["data"]["id"] not in done:
            done.append(answer.json()["data"]["id"])
        for start in ids:
            path = [start]
            while (above := stands()[path[-1]]) is not None:
                assert above not in path
                path.append(above)
    for merge_id in reversed(done):
        data(undo(owner, {"id": merge_id}))
    assert stands() == before


class TestHealth:
    def test_it_is_told_alone_and_with_those_below(self, firm, owner, chain, lead):
        top, middle, bottom = chain(3)
        for account, score in zip((top, middle, bottom), (0.1, 0.3, 0.6), strict=True):
            firm.sql(
                "update accounts set churn_score = %s, churn_scored_at = now() where id = %s",
                score,
                account["id"],
            )
            lead(account_id=account["id"])
        for number, account in enumerate((middle, bottom)):
            firm.sql(
                "insert into invoices (tenant_id, account_id, number, status, issued_at, due_date, net_cents,"
                " tax_cents, total_cents, currency)"
                " values (%s, %s, %s, 'sent', now(), '2026-01-01', 100, 19, 119, 'EUR')",
                *(firm.a, account["id"], f"T-{number}"),
            )
        told = data(owner.get(f"{ACCOUNTS}/{top['id']}/health"))
        assert (told["health"], told["open_lead_count"], told["billed"]) == ("good", 1, [])
        whole = told["with_children"]
        by_health = {"at_risk": 1, "watch": 1, "good": 1, "unknown": 0}
        assert (whole["account_count"], whole["by_health"]) == (3, by_health)
        assert (whole["health"], whole["open_lead_count"], whole["overdue_count"]) == ("at_risk", 3, 2)
        assert whole["because"] == ["1 of 3 accounts is at risk.", "1 of 3 accounts is to be watched."]
        assert whole["billed"] == [{"currency": "EUR", "count": 2, "cents": 200}]
        alone = data(owner.get(f"{ACCOUNTS}/{bottom['id']}/health"))
        assert alone["with_children"]["account_count"] == 1
        owner.delete(f"{ACCOUNTS}/{middle['id']}")
        assert data(owner.get(f"{ACCOUNTS}/{top['id']}/health"))["with_children"]["account_count"] == 1


def test_a_file_has_the_parent_as_a_column(owner, make):
    group = make("Gruppe AG")
    branch = make("Zweig", group)
    text = owner.get(f"{ACCOUNTS}/export", params={"parent_id": group["id"], "format": "csv"}).text
    header, row, *_ = text.splitlines()
    named = dict(zip(header.split(","), row.split(","), strict=False))
    assert (named["id"], named["parent_id"]) == (branch["id"], group["id"])


def test_levels_are_said_in_one_number(firm):
    from serve.crm.accounts.rules import MOST_LEVELS

    [(source,)] = firm.sql("select prosrc from pg_proc where proname = 'check_account_parent'")
    assert f"most_levels constant int := {MOST_LEVELS};" in source
