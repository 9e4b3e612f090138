"""What was accepted becomes a job and an invoice, once; what another system brought does not."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.serve.crm.conftest import BOILER, QUOTES, read, refused


class TestConversion:
    @pytest.fixture
    def accepted(self, owner, offer, send):
        def make(**fields):
            quote = offer(title="New boiler", **fields)
            send(quote)
            owner.post(f"{QUOTES}/{quote['id']}/accept", json={"name": "Ada Byron"})
            return quote

        return make

    def test_it_becomes_a_job_and_a_deposit_invoice(self, firm, owner, accepted):
        book = {**BOILER, "unit_price_cents": 1_000, "tax_basis_points": 700}
        quote = accepted(lines=[BOILER, book], deposit_basis_points=3000)
        row = owner.post(f"{QUOTES}/{quote['id']}/convert", json={"deposit_due_date": "2099-01-01"}).json()[
            "data"
        ]
        ((service, status, price, account),) = firm.sql(
            "select service, status, price_cents, account_id from jobs where id = %s", row["job_id"]
        )
        assert (service, status, price, str(account)) == ("New boiler", "new", 241_000, quote["account_id"])
        assert firm.sql("select to_status from job_status_changes where job_id = %s", row["job_id"]) == [
            ("new",)
        ]
        ((number, status, *amounts),) = firm.sql(
            "select number, status, net_cents, tax_cents, total_cents from invoices where id = %s",
            row["invoice_id"],
        )
        assert (number[:4], status) == ("INV-", "draft")
        assert amounts == [72_300, 13_701, row["deposit_cents"]]
        lines = firm.sql(
            "select line_no, description, net_cents from invoice_lines where invoice_id = %s order by 1",
            row["invoice_id"],
        )
        assert [(no, net) for no, _, net in lines] == [(1, 300), (2, 72_000)]
        assert firm.events(quote["id"])[-1][0] == "quote.converted"

    def test_once(self, firm, owner, accepted):
        quote = accepted()

        def convert(_: int) -> int:
            return firm.client("agent").post(f"{QUOTES}/{quote['id']}/convert", json={}).status_code

        with ThreadPoolExecutor(4) as pool:
            assert sorted(pool.map(convert, range(4))) == [200, 409, 409, 409]
        count = "select count(*) from jobs where attributes ->> 'quote_id' = %s"
        assert firm.sql(count, quote["id"]) == [(1,)]
        assert read(owner, quote)["invoice_id"] is None

    def test_all_or_nothing(self, firm, owner, accepted):
        quote = accepted(deposit_basis_points=1000)
        wrong = {"zone_id": "00000000-0000-0000-0000-000000000000"}
        answer = owner.post(f"{QUOTES}/{quote['id']}/convert", json=wrong)
        assert (answer.status_code, answer.json()["error"]["details"][0]["field"]) == (422, "zone_id")
        assert read(owner, quote)["converted_at"] is None
        assert owner.post(f"{QUOTES}/{quote['id']}/convert", json={"with_deposit": False}).status_code == 200

    def test_only_what_was_accepted(self, firm, owner, offer, accepted):
        refused(owner.post(f"{QUOTES}/{offer()['id']}/convert", json={}), 409, "QUOTE_NOT_ACCEPTED")
        refused(
            firm.client("owner", firm.b).post(f"{QUOTES}/{accepted()['id']}/convert", json={}),
            404,
            "QUOTE_NOT_FOUND",
        )
        no_deposit = accepted()
        answer = owner.post(f"{QUOTES}/{no_deposit['id']}/convert", json={"with_deposit": True})
        assert answer.json()["error"]["details"][0]["field"] == "with_deposit"


class TestFromElsewhere:
    """Rows that another system has brought: a total, and no lines."""

    @pytest.fixture
    def brought(self, firm, customer):
        def make(status: str, **more: object):
            columns = {"tenant_id": firm.a, "account_id": customer["account_id"], "status": status, **more}
            columns |= {"total_cents": 50_000, "currency": "EUR"}
            places = ", ".join(["%s"] * len(columns))
            ((row_id,),) = firm.sql(
                f"insert into quotes ({', '.join(columns)}) values ({places}) returning id", *columns.values()
            )
            return str(row_id)

        return make

    def test_their_total_stays(self, owner, brought):
        row = owner.patch(f"{QUOTES}/{brought('sent')}", json={"title": "Named"}).json()["data"]
        assert (row["title"], row["total_cents"], row["number"]) == ("Named", 50_000, None)

    def test_they_are_read_and_drawn_and_become_no_job(self, owner, brought):
        path = f"{QUOTES}/{brought('accepted')}"
        assert owner.get(path).status_code == 200
        assert owner.get(f"{path}/pdf").status_code == 200
        refused(owner.post(f"{path}/convert", json={}), 409, "QUOTE_EMPTY")

    def test_nobody_decides_what_was_not_sent_from_here(self, owner, brought):
        refused(owner.post(f"{QUOTES}/{brought('sent')}/accept", json={"name": "Ada"}), 409, "QUOTE_NOT_OPEN")
