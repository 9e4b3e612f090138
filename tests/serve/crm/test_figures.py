"""Figures of customers and of selling: what happens in between is what they differ by."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

SALES, ANALYTICS, STATS = "/api/v1/crm/sales", "/api/v1/crm/analytics", "/api/v1/enterprise/stats"
CLIENTS = "/api/v1/enterprise/clients"
TODAY = datetime.now(UTC).date().isoformat()


def told(client, path, **params):
    answer = client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def of(rows, currency="EUR"):
    """(count, cents) of a currency."""
    return next(((row["count"], row["cents"]) for row in rows if row["currency"] == currency), (0, 0))


def more(before, after, currency="EUR"):
    return tuple(b - a for a, b in zip(of(before, currency), of(after, currency), strict=True))


class TestSales:
    def test_what_is_won_and_lost_counts_in_its_currency(self, firm, owner, lead):
        agent, before = str(firm.people[firm.a, "agent"]), told(owner, SALES)
        lead(status="won", value_cents=700, owner_id=agent)
        lead(status="won", value_cents=40, currency="CHF")
        lead(status="lost", lost_reason="price")
        after = told(owner, SALES)
        assert more(before["won"], after["won"]) == (1, 700)
        assert more(before["won"], after["won"], "CHF") == (1, 40)
        assert after["lost_count"] == before["lost_count"] + 1
        won = sum(row["count"] for row in after["won"])
        assert after["win_rate"] == pytest.approx(won / (won + after["lost_count"]))
        mine = [
            next((r["won_count"] for r in each["by_owner"] if r["user_id"] == agent), 0)
            for each in (before, after)
        ]
        assert mine[1] == mine[0] + 1
        assert sum(each["won_count"] for each in after["by_owner"]) == won

    def test_quotes_count_where_they_stand(self, firm, owner, offer):
        before = told(owner, SALES)
        sent, accepted, draft = offer(), offer(), offer()
        for quote in (sent, accepted):
            assert owner.post(f"/api/v1/quotes/{quote['id']}/send", json={}).status_code == 200
        owner.post(f"/api/v1/quotes/{accepted['id']}/accept", json={"name": "Ada Byron"})
        after = told(owner, SALES)
        cents = draft["total_cents"]
        assert more(before["quotes_sent"], after["quotes_sent"]) == (2, 2 * cents)
        assert more(before["quotes_accepted"], after["quotes_accepted"]) == (1, cents)
        assert more(before["quotes_open"], after["quotes_open"]) == (1, cents)
        assert more(before["quotes_declined"], after["quotes_declined"]) == (0, 0)

    def test_what_is_open_is_worth_its_chance(self, firm, owner, lead):
        before = told(owner, SALES)["pipeline"]
        scored = lead(value_cents=1001)
        lead(value_cents=500)
        firm.sql("update leads set score = 0.5 where id = %s", scored["id"])
        after = told(owner, SALES)["pipeline"]
        assert more(before, after) == (2, 1501)
        expected = [
            sum(row["expected_cents"] for row in each if row["currency"] == "EUR") for each in (before, after)
        ]
        assert expected[1] - expected[0] in (500, 501)

    def test_drafts_and_void_invoices_were_not_billed(self, firm, owner, customer):
        before = told(owner, SALES, date_start=TODAY, date_end=TODAY)["billed"]
        for number, status, net in (
            ("F-1", "sent", 900),
            ("F-2", "draft", 1),
            ("F-3", "void", 2),
            ("F-4", "returned", -100),
        ):
            firm.sql(
                "insert into invoices (tenant_id, account_id, number, status, issued_at, net_cents, tax_cents,"
                " total_cents, currency) values (%s, %s, %s, %s, now(), %s, 0, %s, 'EUR')",
                *(firm.a, customer["account_id"], number, status, net, net),
            )
        assert more(before, told(owner, SALES, date_start=TODAY, date_end=TODAY)["billed"]) == (2, 800)

    @pytest.mark.parametrize("path", [SALES, ANALYTICS, STATS])
    def test_they_are_for_those_who_may_see_figures(self, firm, path):
        assert firm.client("agent").get(path).status_code == 403
        assert firm.client("viewer").get(path).status_code == 200

    def test_another_tenant_sees_its_own(self, firm, owner, lead):
        before = told(firm.client("owner", firm.b), SALES)
        lead(status="won", value_cents=1)
        assert told(firm.client("owner", firm.b), SALES) == before

    @pytest.mark.parametrize("path", [SALES, ANALYTICS])
    def test_days_the_wrong_way_round_are_refused(self, owner, path):
        refused = owner.get(path, params={"date_start": "2026-02-01", "date_end": "2026-01-01"})
        assert (refused.status_code, refused.json()["error"]["details"][0]["field"]) == (422, "date_end")


def test_analytics_put_the_parts_together(owner, customer, lead):
    before = told(owner, ANALYTICS)
    lead()
    ticket = {"subject": "Cold", "account_id": customer["account_id"]}
    assert owner.post("/api/v1/tickets", json=ticket).status_code == 201
    owner.post("/api/v1/accounts", json={"name": "New", "country": "DE"})
    after = told(owner, ANALYTICS)
    assert after["funnel"]["came_count"] == before["funnel"]["came_count"] + 1
    assert after["first_reply"]["came_count"] == after["funnel"]["came_count"]
    for name in ("total_count", "new_count"):
        assert after["accounts"][name] == before["accounts"][name] + 1
    assert sum(after["accounts"]["by_segment"].values()) == after["accounts"]["total_count"]
    for name in ("opened_count", "open_count"):
        assert after["tickets"][name] == before["tickets"][name] + 1


class TestEnterprise:
    def test_clients_are_accounts_of_that_segment(self, owner):
        made = owner.post(CLIENTS, json={"name": "Groß AG", "country": "DE"})
        assert (made.status_code, made.json()["data"]["segment"]) == (201, "enterprise")
        small = owner.post("/api/v1/accounts", json={"name": "Klein", "country": "DE"}).json()["data"]
        listed = owner.get(CLIENTS, params={"count": "exact"}).json()
        ids = [row["id"] for row in listed["data"]]
        assert made.json()["data"]["id"] in ids
        assert small["id"] not in ids
        assert {row["segment"] for row in listed["data"]} == {"enterprise"}
        assert owner.get(made.headers["Location"]).json()["data"]["name"] == "Groß AG"

    @pytest.mark.parametrize("asked", [{"segment": "smb"}, {"segment": "smb,enterprise"}])
    def test_other_segments_are_not_asked_here(self, owner, asked):
        assert owner.get(CLIENTS, params=asked).status_code == 422
        assert owner.post(CLIENTS, json={"name": "x", "country": "DE", "segment": "smb"}).status_code == 422

    def test_what_hangs_on_them_is_counted(self, firm, owner, lead, offer):
        before = told(owner, STATS)
        client = owner.post(CLIENTS, json={"name": "Hängt AG", "country": "DE"}).json()["data"]["id"]
        owner.post("/api/v1/contacts", json={"full_name": "Ada", "account_id": client})
        lead(account_id=client)
        owner.post("/api/v1/tickets", json={"subject": "Cold", "account_id": client})
        quote = offer(account_id=client, contact_id=None, recipient_email="ada@example.org")
        assert owner.post(f"/api/v1/quotes/{quote['id']}/send", json={}).status_code == 200
        firm.sql("update accounts set churn_score = 0.5 where id = %s", client)
        after = told(owner, STATS)
        for name in (
            "client_count",
            "contact_count",
            "open_lead_count",
            "open_ticket_count",
            "high_risk_count",
        ):
            assert after[name] == before[name] + 1, name
        assert more(before["quotes_open"], after["quotes_open"]) == (1, quote["total_cents"])
        assert sum(after["by_status"].values()) == after["client_count"]


class TestHealth:
    @pytest.fixture
    def account(self, owner):
        made = owner.post("/api/v1/accounts", json={"name": "Wie AG", "country": "DE"}).json()["data"]
        return made["id"]

    def health(self, client, account):
        return told(client, f"/api/v1/accounts/{account}/health")

    def test_it_says_what_is_under_way_and_what_is_owed(self, firm, owner, account, lead):
        lead(account_id=account)
        owner.post("/api/v1/contacts", json={"full_name": "Ada", "account_id": account})
        owner.post("/api/v1/tickets", json={"subject": "Cold", "account_id": account})
        for number, (status, due) in enumerate(
            (("sent", "2026-01-01"), ("paid", "2026-01-01"), ("draft", None))
        ):
            firm.sql(
                "insert into invoices (tenant_id, account_id, number, status, issued_at, due_date, paid_at, net_cents,"
                " tax_cents, total_cents, currency) values (%s, %s, %s, %s, now(), %s, %s, 100, 19, 119, 'EUR')",
                *(firm.a, account, f"H-{number}", status, due, "2026-01-01" if status == "paid" else None),
            )
        facts = self.health(owner, account)
        for name in ("open_lead_count", "contact_count", "open_ticket_count", "overdue_count"):
            assert facts[name] == 1, name
        assert (of(facts["billed"]), of(facts["overdue"])) == ((2, 200), (1, 119))
        assert (facts["health"], facts["because"]) == ("watch", ["An invoice is overdue."])

    def test_the_model_speaks_first(self, firm, owner, account):
        assert self.health(owner, account)["health"] == "unknown"
        reasons = '[{"feature": "ticket_count", "value": 4, "effect": 0.7}]'
        for score, expected in ((0.1, "good"), (0.3, "watch"), (0.5, "at_risk")):
            firm.sql(
                "update accounts set churn_score = %s, churn_reasons = %s, churn_scored_at = now() where id = %s",
                *(score, reasons, account),
            )
            facts = self.health(owner, account)
            assert (facts["health"], facts["churn_score"]) == (expected, score)
        assert facts["churn_reasons"] == [{"feature": "ticket_count", "value": 4, "effect": 0.7}]

    def test_it_is_the_tenants_own(self, firm, owner, account):
        assert firm.client("owner", firm.b).get(f"/api/v1/accounts/{account}/health").status_code == 404
        assert firm.client("agent").get(f"/api/v1/accounts/{account}/health").status_code == 403
        owner.delete(f"/api/v1/accounts/{account}")
        assert owner.get(f"/api/v1/accounts/{account}/health").status_code == 404
