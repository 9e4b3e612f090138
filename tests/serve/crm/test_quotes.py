"""Quotes and estimates as they are written: counted, numbered, refused where they make no sense."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.serve.crm.conftest import BOILER, ESTIMATES, QUOTES


def said(response) -> dict[str, str]:
    """What is wrong with which field."""
    assert response.status_code == 422, response.text
    return {each["field"]: each["message"] for each in response.json()["error"]["details"]}


class TestWriting:
    def test_it_is_counted_and_read_as_it_was_written(self, owner, offer):
        half = {**BOILER, "description": "Labour", "quantity": 2.5, "unit": "h", "unit_price_cents": 1999}
        made = offer(lines=[BOILER, half], discount_basis_points=1000, deposit_basis_points=3000)
        assert [line["quantity"] for line in made["lines"]] == ["1", "2.5"]
        assert [line["net_cents"] for line in made["lines"]] == [240_000, 4_998]
        assert (made["subtotal_cents"], made["discount_total_cents"]) == (244_998, 24_500)
        assert made["taxes"] == [{"tax_basis_points": 1900, "net_cents": 220_498, "tax_cents": 41_895}]
        assert (made["net_cents"], made["tax_cents"], made["total_cents"]) == (220_498, 41_895, 262_393)
        assert made["deposit_cents"] == 66_149 + 12_568
        assert (made["status"], made["version"], made["currency"]) == ("draft", 1, "EUR")
        assert owner.get(f"{QUOTES}/{made['id']}").json()["data"] == made

    def test_an_option_counts_once_it_is_chosen(self, owner, offer):
        extra = {**BOILER, "description": "Thermostat", "unit_price_cents": 10_000, "is_optional": True}
        made = offer(lines=[BOILER, extra])
        assert (made["net_cents"], made["lines"][1]["is_chosen"]) == (240_000, False)
        lines = [BOILER, {**extra, "is_chosen": True}]
        changed = owner.patch(f"{QUOTES}/{made['id']}", json={"lines": lines}).json()["data"]
        assert changed["net_cents"] == 250_000

    def test_numbers_follow_each_other_whoever_asks_at_once(self, firm, owner, customer):
        before = owner.post(QUOTES, json=customer).json()["data"]["number"]
        with ThreadPoolExecutor(4) as pool:
            made = list(
                pool.map(lambda _: firm.client("agent").post(QUOTES, json=customer).json()["data"], range(8))
            )
        series, year, last = before.split("-")
        assert series == "Q"
        assert sorted(each["number"] for each in made) == [
            f"Q-{year}-{int(last) + n:04d}" for n in range(1, 9)
        ]

    def test_a_number_that_was_given_by_hand_is_passed_over(self, firm, owner, customer):
        series, year, last = owner.post(QUOTES, json=customer).json()["data"]["number"].split("-")
        taken = f"{series}-{year}-{int(last) + 1:04d}"
        brought = "update quotes set number = %s where id = %s returning 1"
        firm.sql(brought, taken, owner.post(QUOTES, json=customer).json()["data"]["id"])
        firm.sql("update number_series set last_number = %s where series = 'Q' returning 1", int(last))
        assert (
            owner.post(QUOTES, json=customer).json()["data"]["number"]
            == f"{series}-{year}-{int(last) + 2:04d}"
        )

    def test_a_refused_one_leaves_no_gap(self, owner, customer):
        before = owner.post(QUOTES, json=customer).json()["data"]["number"]
        assert owner.post(QUOTES, json={**customer, "external_id": "twice"}).status_code == 201
        assert owner.post(QUOTES, json={**customer, "external_id": "twice"}).status_code == 409
        after = owner.post(QUOTES, json=customer).json()["data"]["number"]
        assert int(after[-4:]) == int(before[-4:]) + 2

    @pytest.mark.parametrize(
        ("fields", "wrong"),
        [
            (
                {"lines": [{**BOILER, "discount_cents": 1, "discount_basis_points": 1}]},
                "lines[0].discount_cents",
            ),
            ({"lines": [{**BOILER, "discount_cents": 240_001}]}, "lines[0].discount_cents"),
            ({"discount_cents": 240_001}, "discount_cents"),
            ({"discount_cents": 1, "discount_basis_points": 1}, "discount_cents"),
            ({"lines": [{**BOILER, "is_chosen": False}]}, "lines[0].is_chosen"),
            ({"lines": [{**BOILER, "option_group": "g"}] * 2}, "lines[1].is_chosen"),
            ({"lines": [{**BOILER, "option_group": "g", "is_chosen": False}] * 2}, "lines[0].is_chosen"),
            ({"lines": [{**BOILER, "unit_price_cents": 10**10, "quantity": 1_000_000}]}, "lines"),
            ({"lines": [{**BOILER, "quantity": "1.0001"}]}, "lines[0].quantity"),
            ({"lines": [{**BOILER, "quantity": 0}]}, "lines[0].quantity"),
            ({"lines": [{**BOILER, "unit_price_cents": 1.5}]}, "lines[0].unit_price_cents"),
            ({"account_id": "00000000-0000-0000-0000-000000000000", "contact_id": None}, "account_id"),
            ({"contact_id": "00000000-0000-0000-0000-000000000000"}, "contact_id"),
            ({"total_cents": 1}, "total_cents"),
        ],
    )
    def test_what_makes_no_sense_is_named(self, owner, customer, fields, wrong):
        assert wrong in said(owner.post(QUOTES, json={**customer, "lines": [BOILER], **fields}))

    def test_a_person_at_another_account_is_refused(self, owner, customer):
        other = owner.post("/api/v1/accounts", json={"name": "Other", "country": "DE"}).json()["data"]["id"]
        assert "contact_id" in said(owner.post(QUOTES, json={**customer, "account_id": other}))

    def test_a_lost_update_is_refused(self, owner, offer):
        made = offer()
        path = f"{QUOTES}/{made['id']}"
        read = owner.get(path).headers["etag"]
        assert owner.patch(path, json={"title": "First"}).status_code == 200
        late = owner.patch(path, json={"title": "Second"}, headers={"If-Match": read})
        assert late.status_code == 412

    def test_its_changes_are_events_and_names_are_sealed(self, firm, owner, offer):
        made = offer(recipient_name="Grace Hopper")
        owner.patch(f"{QUOTES}/{made['id']}", json={"title": "New boiler"})
        (created, _, after), (changed, *_) = firm.events(made["id"])
        assert (created, changed) == ("quote.created", "quote.updated")
        assert after["total_cents"] == made["total_cents"]
        assert "Grace" not in str(after)

    def test_it_is_found(self, owner, offer):
        made = offer(title="Underfloor heating")
        for params in (
            {"search": "underfl"},
            {"search": made["number"]},
            {"number": made["number"], "status": "draft", "min_total_cents": made["total_cents"]},
        ):
            assert made["id"] in [row["id"] for row in owner.get(QUOTES, params=params).json()["data"]]

    def test_others_see_and_change_nothing(self, firm, offer):
        made = offer()
        stranger = firm.client("owner", firm.b)
        assert stranger.get(f"{QUOTES}/{made['id']}").status_code == 404
        assert stranger.patch(f"{QUOTES}/{made['id']}", json={"title": "Mine"}).status_code == 404
        assert stranger.get(QUOTES).json()["data"] == []
        umbrella = firm.client("owner", firm.umbrella)
        assert umbrella.get(f"{QUOTES}/{made['id']}").status_code == 200
        assert umbrella.patch(f"{QUOTES}/{made['id']}", json={"title": "Mine"}).status_code == 404

    def test_a_viewer_reads_and_a_technician_does_not(self, firm, customer, offer):
        made = offer()
        viewer, technician = firm.client("viewer"), firm.client("technician")
        assert viewer.get(f"{QUOTES}/{made['id']}").status_code == 200
        assert viewer.post(QUOTES, json=customer).status_code == 403
        assert technician.get(f"{QUOTES}/{made['id']}").status_code == 403


class TestEstimate:
    def test_it_becomes_a_quote_once(self, firm, owner, offer):
        made = offer(ESTIMATES, title="A guess")
        assert made["number"].startswith("E-")
        assert (made["status"], made["total_cents"]) == ("draft", 285_600)
        quote = owner.post(f"{ESTIMATES}/{made['id']}/quote")
        assert quote.status_code == 201
        quote = quote.json()["data"]
        assert (quote["estimate_id"], quote["title"], quote["total_cents"]) == (
            made["id"],
            "A guess",
            285_600,
        )
        assert quote["number"].startswith("Q-")
        assert owner.post(f"{ESTIMATES}/{made['id']}/quote").status_code == 409
        assert owner.patch(f"{ESTIMATES}/{made['id']}", json={"title": "x"}).status_code == 409
        assert [name for name, *_ in firm.events(made["id"])] == ["estimate.created", "estimate.quoted"]

    def test_it_is_counted_when_it_changes(self, owner, offer):
        made = offer(ESTIMATES)
        changed = owner.patch(f"{ESTIMATES}/{made['id']}", json={"discount_cents": 40_000})
        assert changed.json()["data"]["net_cents"] == 200_000

    def test_it_is_no_quote(self, owner, offer):
        made = offer(ESTIMATES)
        assert owner.get(f"{QUOTES}/{made['id']}").status_code == 404
