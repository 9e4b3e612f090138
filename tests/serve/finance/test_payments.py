"""What was billed, what has come in for it, and that the two never differ."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from serve.finance.invoices.errors import InvoiceStatusDoesNotFollow
from serve.finance.invoices.rules import NEXT, OPEN, check_invoice

INVOICES, PAYMENTS = "/api/v1/invoices", "/api/v1/payments"
TOTAL_CENTS = 11_900


def data(answer, status: int = 200):
    assert answer.status_code == status, answer.text
    return answer.json()["data"]


def refused(answer, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), answer.text


def fields_of(answer) -> set[str]:
    assert answer.status_code == 422, answer.text
    return {each["field"] for each in answer.json()["error"]["details"]}


@pytest.fixture
def manager(firm):
    return firm.client("manager")


@pytest.fixture
def account(firm):
    """The id of a customer."""
    sent = firm.client("agent").post("/api/v1/accounts", json={"name": "Nordlicht GmbH", "country": "DE"})
    return data(sent, 201)["id"]


@pytest.fixture
def bill(firm, account):
    """``bill(status="sent")``: the id of an invoice of 119.00, as another system brought it."""

    def make(**fields: object) -> str:
        values = {
            "tenant_id": firm.a,
            "account_id": account,
            "number": f"X-{uuid4()}",
            "status": "sent",
            "issued_at": datetime.now(UTC),
            "net_cents": 10_000,
            "tax_cents": 1_900,
            "total_cents": TOTAL_CENTS,
            "currency": "EUR",
            **fields,
        }
        ((row_id,),) = firm.sql(
            f"insert into invoices ({', '.join(values)}) values ({', '.join(['%s'] * len(values))}) returning id",
            *values.values(),
        )
        firm.sql(
            "insert into invoice_lines (tenant_id, invoice_id, line_no, description, quantity, unit_price_cents,"
            " net_cents, cost_cents) values (%s, %s, 1, 'Boiler', 2, 5000, 10000, 7000)",
            *(values["tenant_id"], row_id),
        )
        return str(row_id)

    return make


@pytest.fixture
def pay(manager):
    """``pay(invoice, 100)``: the answer to a payment of it."""

    def send(invoice: str | None, cents: int = TOTAL_CENTS, headers=None, **fields: object):
        body = {"invoice_id": invoice, "amount_cents": cents, "method": "bank_transfer", **fields}
        return manager.post(PAYMENTS, json=body, headers=headers)

    return send


def read(client, invoice: str):
    return data(client.get(f"{INVOICES}/{invoice}"))


class TestStatuses:
    def test_each_has_what_may_follow_it(self):
        assert {"draft", "sent", "overdue"} == OPEN
        for before, following in NEXT.items():
            for after in NEXT:
                change = ({"status": before}, {"status": after})
                if after in following or after == before:
                    check_invoice(*change)
                else:
                    with pytest.raises(InvoiceStatusDoesNotFollow):
                        check_invoice(*change)


class TestInvoices:
    def test_one_has_its_lines_and_what_is_open(self, manager, bill, account):
        found = read(manager, bill())
        assert (found["paid_cents"], found["open_cents"], found["account_id"]) == (0, TOTAL_CENTS, account)
        assert found["lines"] == [
            {
                "line_no": 1,
                "product_code": None,
                "description": "Boiler",
                "quantity": 2.0,
                "unit_price_cents": 5_000,
                "net_cents": 10_000,
            }
        ]

    def test_they_are_asked_for_by_what_they_are(self, manager, bill, account):
        late, void = bill(status="overdue", due_date="2026-01-10"), bill(status="void")
        asked = {"status": "overdue", "account_id": account}
        assert [row["id"] for row in data(manager.get(INVOICES, params=asked))] == [late]
        mine = data(manager.get(INVOICES, params={"account_id": account, "sort": "-issued_at"}))
        assert [row["id"] for row in mine] == [void, late]
        assert read(manager, void)["open_cents"] == 0
        exported = manager.get("/api/v1/export/invoices", params={"format": "csv", "status": "overdue"})
        assert exported.status_code == 200
        assert late in exported.text
        assert void not in exported.text

    def test_what_failed_or_was_given_back_is_not_paid(self, firm, manager, bill, account):
        invoice = bill()
        now = datetime.now(UTC)
        for status, cents, currency, deleted_at in (
            ("failed", TOTAL_CENTS, "EUR", None),
            ("refunded", -500, "EUR", None),
            ("succeeded", 70, "USD", None),
            ("succeeded", 80, "EUR", now),
            ("succeeded", 400, "EUR", None),
        ):
            firm.sql(
                "insert into payments (tenant_id, invoice_id, account_id, method, status, amount_cents, currency,"
                " paid_at, deleted_at) values (%s, %s, %s, 'card', %s, %s, %s, %s, %s)",
                *(firm.a, invoice, account, status, cents, currency, now, deleted_at),
            )
        found = read(manager, invoice)
        assert (found["paid_cents"], found["open_cents"]) == (400, TOTAL_CENTS - 400)

    def test_others_see_none_of_it(self, firm, bill, pay):
        invoice = bill()
        payment = data(pay(invoice, 100), 201)["id"]
        stranger = firm.client("owner", firm.b)
        assert data(stranger.get(INVOICES)) == data(stranger.get(PAYMENTS)) == []
        refused(stranger.get(f"{INVOICES}/{invoice}"), 404, "INVOICE_NOT_FOUND")
        refused(stranger.get(f"{PAYMENTS}/{payment}"), 404, "PAYMENT_NOT_FOUND")
        refused(
            stranger.post(f"{INVOICES}/{invoice}/mark-paid", json={"method": "cash"}),
            404,
            "INVOICE_NOT_FOUND",
        )
        foreign = {"invoice_id": invoice, "amount_cents": 1, "method": "cash"}
        assert fields_of(stranger.post(PAYMENTS, json=foreign)) == {"invoice_id"}

    def test_who_sells_reads_them_and_takes_no_money(self, firm, bill):
        agent, invoice = firm.client("agent"), bill()
        assert read(agent, invoice)["open_cents"] == TOTAL_CENTS
        assert agent.post(f"{INVOICES}/{invoice}/mark-paid", json={"method": "cash"}).status_code == 403
        sent = {"invoice_id": invoice, "amount_cents": 1, "method": "cash"}
        assert agent.post(PAYMENTS, json=sent).status_code == 403
        assert firm.client("technician").get(f"{INVOICES}/{invoice}").status_code == 403


class TestPayments:
    def test_with_the_last_of_it_the_invoice_is_paid(self, firm, manager, bill, pay, account):
        invoice = bill()
        before = manager.get(f"{INVOICES}/{invoice}").headers["ETag"]
        first = data(pay(invoice, 1_900, paid_at="2026-01-15T09:30:00Z"), 201)
        assert (first["account_id"], first["currency"], first["status"]) == (account, "EUR", "succeeded")
        answer = manager.get(f"{INVOICES}/{invoice}")
        assert answer.headers["ETag"] != before
        assert (data(answer)["status"], data(answer)["open_cents"]) == ("sent", 10_000)
        assert firm.events(invoice) == []
        last = data(pay(invoice, 10_000, paid_at="2026-01-10T09:30:00Z"), 201)
        found = read(manager, invoice)
        assert (found["status"], found["paid_cents"], found["open_cents"]) == ("paid", TOTAL_CENTS, 0)
        assert found["paid_at"] == "2026-01-15T09:30:00Z"
        [(name, was, became)] = firm.events(invoice)
        assert (name, was["status"], became["status"]) == ("invoice.paid", "sent", "paid")
        assert [name for name, *_ in firm.events(last["id"])] == ["payment.created"]
        listed = data(manager.get(PAYMENTS, params={"invoice_id": invoice, "sort": "paid_at"}))
        assert [row["id"] for row in listed] == [last["id"], first["id"]]
        assert data(manager.get(f"{PAYMENTS}/{first['id']}"))["amount_cents"] == 1_900

    def test_never_more_than_is_open(self, manager, bill, pay):
        invoice = bill()
        assert fields_of(pay(invoice, TOTAL_CENTS + 1)) == {"amount_cents"}
        data(pay(invoice, TOTAL_CENTS - 1), 201)
        assert fields_of(pay(invoice, 2)) == {"amount_cents"}
        data(pay(invoice, 1), 201)
        refused(pay(invoice, 1), 409, "INVOICE_NOT_OPEN")

    @pytest.mark.parametrize("fields", [{"status": "void"}, {"status": "returned"}, {"is_return": True}])
    def test_what_is_at_its_end_takes_nothing(self, manager, bill, pay, fields):
        invoice = bill(**fields)
        refused(pay(invoice, 1), 409, "INVOICE_NOT_OPEN")
        refused(
            manager.post(f"{INVOICES}/{invoice}/mark-paid", json={"method": "cash"}), 409, "INVOICE_NOT_OPEN"
        )
        assert data(manager.get(PAYMENTS, params={"invoice_id": invoice})) == []

    def test_of_several_at_once_one_pays(self, firm, bill, pay):
        invoice = bill()
        with ThreadPoolExecutor(4) as pool:
            statuses = sorted(pool.map(lambda _: pay(invoice).status_code, range(4)))
        assert statuses == [201, 409, 409, 409]
        assert firm.sql("select sum(amount_cents) from payments where invoice_id = %s", invoice) == [
            (TOTAL_CENTS,)
        ]

    def test_one_that_is_sent_twice_is_one(self, firm, bill, pay):
        invoice, key = bill(), {"Idempotency-Key": "bank-4711"}
        first, again = pay(invoice, 100, key), pay(invoice, 100, key)
        assert data(first, 201) == data(again, 201)
        assert firm.sql("select count(*) from payments where invoice_id = %s", invoice) == [(1,)]
        data(pay(invoice, 200, external_id="b-1"), 201)
        assert pay(invoice, 200, external_id="b-1").status_code == 409

    def test_what_does_not_fit_is_named(self, firm, manager, bill, pay):
        invoice = bill()
        wrong = pay(invoice, TOTAL_CENTS + 1, currency="USD", account_id=str(uuid4()))
        assert fields_of(wrong) == {"amount_cents", "currency", "account_id"}
        soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        assert fields_of(pay(invoice, 1, paid_at=soon)) == {"paid_at"}
        assert fields_of(pay(invoice, 0)) == {"amount_cents"}
        assert fields_of(pay(invoice, 1, method="shells")) == {"method"}
        assert fields_of(pay(str(uuid4()), 1)) == {"invoice_id"}
        marked = manager.post(f"{INVOICES}/{invoice}/mark-paid", json={"method": "cash", "paid_at": soon})
        assert fields_of(marked) == {"paid_at"}
        assert firm.sql("select count(*) from payments where invoice_id = %s", invoice) == [(0,)]

    def test_in_advance_it_belongs_to_a_customer(self, firm, manager, pay, account):
        made = data(pay(None, 500, account_id=account), 201)
        assert (made["invoice_id"], made["account_id"]) == (None, account)
        assert made["currency"] == data(manager.get(f"{PAYMENTS}/{made['id']}"))["currency"]
        assert fields_of(pay(None, 500)) == {"account_id"}
        assert fields_of(pay(None, 500, account_id=str(uuid4()))) == {"account_id"}
        firm.client("agent").delete(f"/api/v1/accounts/{account}")
        assert fields_of(pay(None, 500, account_id=account)) == {"account_id"}


class TestMarkPaid:
    def test_what_is_open_becomes_a_payment(self, firm, manager, bill, pay):
        invoice = bill(status="overdue")
        data(pay(invoice, 900), 201)
        body = {"method": "cash", "paid_at": datetime.now(UTC).isoformat()}
        found = data(manager.post(f"{INVOICES}/{invoice}/mark-paid", json=body))
        assert (found["status"], found["paid_cents"], found["open_cents"]) == ("paid", TOTAL_CENTS, 0)
        assert found["lines"]
        amounts = firm.sql(
            "select method, amount_cents from payments where invoice_id = %s order by 2", invoice
        )
        assert amounts == [("bank_transfer", 900), ("cash", 11_000)]
        assert read(manager, invoice) == found
        refused(
            manager.post(f"{INVOICES}/{invoice}/mark-paid", json={"method": "cash"}), 409, "INVOICE_NOT_OPEN"
        )

    def test_not_after_somebody_else_was_there(self, manager, bill, pay):
        invoice = bill()
        seen = manager.get(f"{INVOICES}/{invoice}").headers["ETag"]
        data(pay(invoice, 900), 201)
        late = manager.post(
            f"{INVOICES}/{invoice}/mark-paid", json={"method": "cash"}, headers={"If-Match": seen}
        )
        assert late.status_code == 412
        assert read(manager, invoice)["open_cents"] == TOTAL_CENTS - 900

    def test_where_nothing_was_to_be_paid_there_is_no_payment(self, manager, bill):
        invoice = bill(net_cents=0, tax_cents=0, total_cents=0)
        found = data(manager.post(f"{INVOICES}/{invoice}/mark-paid", json={"method": "other"}))
        assert found["status"] == "paid"
        assert found["paid_at"]
        assert data(manager.get(PAYMENTS, params={"invoice_id": invoice})) == []


def test_a_customer_s_activity_tells_of_both(firm, manager, bill, pay, account):
    invoice = bill()
    data(pay(invoice), 201)
    told = data(manager.get(f"/api/v1/accounts/{account}/activity", params={"kind": "invoice,payment"}))
    assert {(each["kind"], each["name"]) for each in told} == {
        ("invoice", "invoice.paid"),
        ("payment", "payment.created"),
    }
    assert {each["label"] for each in told if each["kind"] == "payment"} == {"bank_transfer"}
