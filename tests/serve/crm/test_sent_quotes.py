"""A quote on its way: frozen when it is sent, decided once, by a link that shows one version."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from hashlib import sha256

import pytest

from serve.identity.account_tokens.limits import LinkCalls, LinkUsedTooOften
from serve.identity.privacy.registry import KNOWN
from serve.kernel.errors import Unavailable
from serve.kernel.ratelimit import SharedDebts
from tests.serve.crm.conftest import BOILER, ESTIMATES, LINK, QUOTES, accept, read, refused
from tests.serve.platform.smtp_listener import Listener

EXTRA = {
    **BOILER,
    "description": "Thermostat",
    "unit_price_cents": 10_000,
    "is_optional": True,
    "is_chosen": False,
}
SMALL, LARGE = (
    {**BOILER, "description": f"Boiler {size}", "option_group": "Boiler", "is_chosen": size == "A"}
    for size in "AB"
)
LARGE["unit_price_cents"] = 300_000


@pytest.fixture
def mail_server(firm):
    """The firm's own, for the length of a test; what waits from others goes its usual way before."""
    firm.work()
    state, owner = firm.running.app.state, firm.client("owner")
    usual, state.mail = state.mail, replace(state.mail, private_hosts=True, timeout_s=2.0)
    with Listener() as listener:
        server = {"smtp_host": "127.0.0.1", "smtp_port": listener.port, "security": "none"}
        said = owner.put("/api/v1/settings/email", json={**server, "from_address": "office@a.example"})
        assert said.status_code == 200, said.text
        yield listener
    state.mail = usual
    firm.sql("delete from settings where tenant_id = %s", firm.a)


class TestSending:
    def test_it_is_frozen_and_mailed(self, firm, owner, offer, send):
        quote = offer(title="New boiler")
        key = send(quote, message="As we said:")
        sent = read(owner, quote)
        assert (sent["status"], sent["version"], sent["sent_version"]) == ("sent", 1, 1)
        assert date.fromisoformat(sent["valid_until"]) - date.fromisoformat(sent["sent_at"][:10]) in (
            timedelta(days=30),
            timedelta(days=31),
        )
        ((to, subject, text),) = firm.sql(
            "select to_address, subject, text from mails order by created_at desc, id desc limit 1"
        )
        assert (to, quote["number"] in subject, "As we said:" in text) == ("ada@example.org", True, True)
        assert [name for name, *_ in firm.events(quote["id"])] == ["quote.created", "quote.sent"]
        assert firm.sql("select 1 from account_tokens where hash = sha256(convert_to(%s, 'UTF8'))", key)

    def test_the_mail_has_the_paper_of_that_version(self, firm, owner, offer, send, mail_server):
        quote = offer()
        send(quote)
        first = owner.get(f"{QUOTES}/{quote['id']}/pdf").content
        owner.patch(f"{QUOTES}/{quote['id']}", json={"discount_cents": 40_000})
        send(quote)
        firm.work()
        papers = []
        for mail in mail_server.mails:
            [paper] = mail.message.iter_attachments()
            assert paper.get_content_type() == "application/pdf"
            assert paper.get_filename() == f"{quote['number']}.pdf"
            assert "/quotes/accept#" in mail.message.get_body(("plain",)).get_content()
            papers.append(paper.get_content())
        assert papers == [first, owner.get(f"{QUOTES}/{quote['id']}/pdf").content]
        assert papers[0] != papers[1]

    @pytest.mark.parametrize("between", ["\n", "\r\n", "\v", "\u2028"])
    def test_a_title_and_a_name_of_two_lines_are_one_in_the_mail(
        self, firm, offer, send, mail_server, between
    ):
        send(offer(title=f"New boiler{between}and flue", recipient_name=f"Ada{between}Byron"))
        firm.work()
        (mail,) = mail_server.mails
        assert mail.message["Subject"].endswith(": New boiler and flue")
        assert mail.message["To"].addresses[0].display_name == "Ada Byron"

    def test_an_erased_paper_is_not_mailed(self, firm, owner, offer, send, mail_server):
        quote = offer()
        send(quote)
        firm.sql("update quote_versions set pdf = null where quote_id = %s", quote["id"])
        firm.work()
        assert mail_server.arrived == []
        [(state, error)] = firm.sql(
            "select state, error from mails order by created_at desc, id desc limit 1"
        )
        assert (state, error) == ("failed", f"the attachment {quote['number']}.pdf is gone")

    def test_the_link_stands_nowhere_but_in_the_mail(self, firm, offer, send):
        key = send(offer())
        for table in ("account_tokens", "events", "quotes", "quote_versions", "tasks"):
            assert firm.sql(f"select 1 from {table} t where position(%s in t::text) > 0", key) == [], table

    def test_the_paper_is_the_one_that_was_sent(self, owner, anybody, offer, send):
        quote = offer()
        key = send(quote)
        path = f"{QUOTES}/{quote['id']}/pdf"
        first = owner.get(path)
        assert (first.headers["content-type"], first.content[:5]) == ("application/pdf", b"%PDF-")
        (version,) = owner.get(f"{QUOTES}/{quote['id']}/versions").json()["data"]
        assert version["pdf_sha256"] == sha256(first.content).hexdigest()
        owner.patch(f"{QUOTES}/{quote['id']}", json={"title": "Other"})
        assert owner.get(path).content != first.content
        assert owner.get(path, params={"version": 1}).content == first.content
        assert anybody.post(f"{LINK}/pdf", json={"token": key}).content == first.content
        refused(owner.get(path, params={"version": 2}), 404, "QUOTE_VERSION_NOT_FOUND")

    def test_what_was_accepted_has_a_paper_that_says_so(self, firm, owner, anybody, offer, send):
        quote = offer(lines=[BOILER, EXTRA])
        key = send(quote)
        path = f"{QUOTES}/{quote['id']}/pdf"
        sent = owner.get(path).content
        assert accept(anybody, key, 297_500, chosen=[2]).status_code == 200
        accepted = owner.get(path).content
        assert (accepted != sent, accepted[:5]) == (True, b"%PDF-")
        assert anybody.post(f"{LINK}/pdf", json={"token": key}).content == accepted
        assert owner.get(path, params={"version": 1}).content == sent

    def test_a_draft_and_an_estimate_have_papers_too(self, owner, offer):
        for path in (QUOTES, ESTIMATES):
            made = owner.get(f"{path}/{offer(path)['id']}/pdf")
            assert (made.status_code, made.content[:5]) == (200, b"%PDF-")

    def test_what_is_missing_is_named_at_once(self, owner, customer):
        bare = owner.post(QUOTES, json={"account_id": customer["account_id"]}).json()["data"]
        answer = owner.post(f"{QUOTES}/{bare['id']}/send", json={})
        assert refused(answer, 409, "QUOTE_NOT_SENDABLE")
        assert {each["field"] for each in answer.json()["error"]["details"]} == {"lines", "recipient_email"}

    def test_a_day_that_is_over_is_refused(self, owner, offer):
        quote = offer(valid_until="2020-01-01")
        answer = owner.post(f"{QUOTES}/{quote['id']}/send", json={})
        assert (answer.status_code, answer.json()["error"]["details"][0]["field"]) == (422, "valid_until")

    def test_the_last_day_ends_where_the_tenant_is(self, firm, owner, offer, send):
        firm.sql("update tenants set timezone = 'Asia/Tokyo' where id = %s", firm.a)
        try:
            quote = offer(valid_until="2099-12-31")
            send(quote)
            assert read(owner, quote)["expires_at"] == "2099-12-31T15:00:00.000000Z"
        finally:
            firm.sql("update tenants set timezone = 'UTC' where id = %s", firm.a)


class TestLink:
    def test_it_shows_and_counts_options(self, anybody, offer, send):
        quote = offer(lines=[SMALL, LARGE, EXTRA])
        key = send(quote)
        seen = anybody.post(LINK, json={"token": key})
        assert seen.headers["cache-control"] == "no-store"
        seen = seen.json()["data"]
        assert (seen["tenant_name"], seen["state"], seen["net_cents"]) == ("A", "open", 240_000)
        other = anybody.post(LINK, json={"token": key, "chosen": [2, 3]}).json()["data"]
        assert other["net_cents"] == 310_000
        for wrong in ([1, 2], [3], [4]):
            answer = anybody.post(LINK, json={"token": key, "chosen": wrong})
            assert answer.json()["error"]["details"][0]["field"] == "chosen"

    def test_looking_decides_nothing(self, firm, owner, anybody, offer, send):
        quote = offer()
        key = send(quote)
        assert anybody.get("/quotes/accept").status_code == 200
        for path in (LINK, f"{LINK}/accept", f"{LINK}/decline"):
            assert anybody.get(path, params={"token": key}).status_code in (401, 404, 405, 422)
        anybody.post(LINK, json={"token": key})
        assert read(owner, quote)["status"] == "sent"

    def test_it_is_accepted_as_it_was_chosen(self, firm, owner, anybody, offer, send):
        quote = offer(lines=[SMALL, LARGE, EXTRA], deposit_basis_points=3000)
        key = send(quote)
        accepted = accept(anybody, key, 368_900, chosen=[2, 3])
        assert accepted.status_code == 200, accepted.text
        shown = accepted.json()["data"]
        assert (shown["state"], shown["total_cents"], shown["decided_by_name"]) == (
            "accepted",
            368_900,
            "Ada Byron",
        )
        row = read(owner, quote)
        assert (row["status"], row["decided_by"], row["accepted_version"]) == ("accepted", "customer", 1)
        assert [line["is_counted"] for line in row["lines"]] == [False, True, True]
        assert (row["total_cents"], row["deposit_cents"]) == (368_900, 110_670)
        name, _, after = firm.events(quote["id"])[-1]
        assert (name, "Ada" in str(after)) == ("quote.accepted", False)

    def test_another_total_than_the_one_they_saw_is_refused(self, owner, anybody, offer, send):
        quote = offer()
        key = send(quote)
        refused(accept(anybody, key, 285_599), 409, "TOTAL_DIFFERS")
        assert read(owner, quote)["status"] == "sent"

    def test_of_many_decisions_at_once_there_is_one(self, firm, owner, offer, send):
        quote = offer()
        key = send(quote)

        def decide(n: int) -> int:
            client = firm.running.client()
            if n % 2:
                return client.post(f"{LINK}/decline", json={"token": key, "reason": str(n)}).status_code
            return accept(client, key, 285_600).status_code

        with ThreadPoolExecutor(6) as pool:
            statuses = list(pool.map(decide, range(6)))
        assert sorted(statuses) == [200, 410, 410, 410, 410, 410]
        names = [name for name, *_ in firm.events(quote["id"])]
        assert len([name for name in names if name in ("quote.accepted", "quote.declined")]) == 1

    def test_a_newer_one_was_sent(self, owner, anybody, offer, send):
        quote = offer()
        old = send(quote)
        owner.patch(f"{QUOTES}/{quote['id']}", json={"discount_cents": 40_000})
        # Until it is sent, nobody knows of the change, and the old one may be accepted.
        assert anybody.post(LINK, json={"token": old}).json()["data"]["net_cents"] == 240_000
        new = send(quote)
        assert read(owner, quote)["sent_version"] == 2
        refused(anybody.post(LINK, json={"token": old}), 410, "QUOTE_REPLACED")
        refused(accept(anybody, old, 285_600), 410, "QUOTE_REPLACED")
        assert accept(anybody, new, 238_000).status_code == 200

    def test_a_draft_of_the_next_ends_with_the_acceptance(self, owner, anybody, offer, send):
        quote = offer()
        key = send(quote)
        changed = owner.patch(f"{QUOTES}/{quote['id']}", json={"discount_cents": 40_000}).json()["data"]
        assert (changed["version"], changed["status"], changed["total_cents"]) == (2, "sent", 238_000)
        assert accept(anybody, key, 285_600).status_code == 200
        row = read(owner, quote)
        assert (row["version"], row["total_cents"], row["discount_cents"]) == (1, 285_600, None)

    def test_a_change_of_what_it_does_not_say_is_no_version(self, owner, offer, send):
        quote = offer()
        send(quote)
        again = owner.patch(f"{QUOTES}/{quote['id']}", json={"external_id": f"x-{quote['id']}"}).json()[
            "data"
        ]
        assert again["version"] == 1

    @pytest.mark.parametrize("ago", ["1 microsecond", "1 day"])
    def test_nobody_accepts_what_is_over(self, firm, owner, anybody, offer, send, ago):
        quote = offer()
        key = send(quote)
        firm.sql(f"update quotes set expires_at = now() - interval '{ago}' where id = %s", quote["id"])
        refused(anybody.post(LINK, json={"token": key}), 410, "QUOTE_EXPIRED")
        refused(accept(anybody, key, 285_600), 410, "QUOTE_EXPIRED")
        refused(anybody.post(f"{LINK}/decline", json={"token": key}), 410, "QUOTE_EXPIRED")
        refused(owner.post(f"{QUOTES}/{quote['id']}/accept", json={"name": "Ada"}), 409, "QUOTE_NOT_OPEN")

    def test_it_is_said_when_its_time_is_over(self, firm, owner, offer, send):
        quote, other = offer(), offer()
        send(quote)
        send(other)
        firm.sql("update quotes set expires_at = now() where id = %s", quote["id"])
        firm.work(waits_too=True)
        assert (read(owner, quote)["status"], read(owner, other)["status"]) == ("expired", "sent")
        assert firm.events(quote["id"])[-1][0] == "quote.expired"
        changed = owner.patch(f"{QUOTES}/{quote['id']}", json={"valid_until": "2099-01-01"}).json()["data"]
        assert (changed["status"], changed["version"], changed["sent_at"]) == ("draft", 2, None)

    def test_what_was_deleted_is_withdrawn(self, owner, anybody, offer, send):
        quote = offer()
        key = send(quote)
        owner.delete(f"{QUOTES}/{quote['id']}")
        refused(anybody.post(LINK, json={"token": key}), 410, "QUOTE_WITHDRAWN")

    def test_it_opens_nothing_while_the_firm_stands_still(self, firm, anybody, offer, send):
        key = send(offer())
        with firm.standing_still():
            refused(anybody.post(LINK, json={"token": key}), 403, "TENANT_SUSPENDED")
            refused(accept(anybody, key, 285_600), 403, "TENANT_SUSPENDED")
        assert anybody.post(LINK, json={"token": key}).status_code == 200

    def test_a_guess_opens_nothing(self, anybody):
        refused(anybody.post(LINK, json={"token": "x" * 43}), 404, "QUOTE_LINK_UNKNOWN")
        refused(accept(anybody, "x" * 43, 1), 404, "QUOTE_LINK_UNKNOWN")

    def test_it_is_declined_with_a_reason_and_written_anew(self, owner, anybody, offer, send):
        quote = offer()
        key = send(quote)
        declined = anybody.post(f"{LINK}/decline", json={"token": key, "reason": "Too dear."})
        assert declined.json()["data"]["state"] == "declined"
        row = read(owner, quote)
        assert (row["status"], row["decline_reason"]) == ("declined", "Too dear.")
        refused(accept(anybody, key, 285_600), 410, "QUOTE_DECIDED_ALREADY")
        owner.patch(f"{QUOTES}/{quote['id']}", json={"discount_cents": 40_000})
        assert accept(anybody, send(quote), 238_000).status_code == 200

    def test_the_business_notes_what_was_said_on_the_telephone(self, owner, offer, send):
        quote = offer(lines=[BOILER, EXTRA])
        path = f"{QUOTES}/{quote['id']}/accept"
        refused(owner.post(path, json={"name": "Ada Byron"}), 409, "QUOTE_NOT_OPEN")
        send(quote)
        row = owner.post(path, json={"name": "Ada Byron", "chosen": [2]}).json()["data"]
        assert (row["status"], row["decided_by"], row["net_cents"]) == ("accepted", "staff", 250_000)

    def test_who_sells_hears_of_what_a_customer_has_decided(self, firm, owner, anybody, offer, send):
        declined, said_by_phone = offer(), offer()
        key = send(declined)
        anybody.post(f"{LINK}/decline", json={"token": key})
        send(said_by_phone)
        owner.post(f"{QUOTES}/{said_by_phone['id']}/accept", json={"name": "Ada Byron"})
        assert accept(anybody, send(declined), 285_600).status_code == 200
        firm.deliver()

        def told(role):
            found = firm.client(role).get("/api/v1/notifications", params={"entity_type": "quote"}).json()
            of_these = [
                row for row in found["data"] if row["entity_id"] in (declined["id"], said_by_phone["id"])
            ]
            return [(row["title"], row["entity_id"]) for row in of_these]

        heard = [
            ("A customer has accepted a quote", declined["id"]),
            ("A customer has declined a quote", declined["id"]),
        ]
        assert told("owner") == told("agent") == heard
        assert told("technician") == []

    def test_what_was_accepted_stays(self, owner, offer, send):
        quote = offer()
        send(quote)
        path = f"{QUOTES}/{quote['id']}"
        owner.post(f"{path}/accept", json={"name": "Ada Byron"})
        refused(owner.patch(path, json={"title": "x"}), 409, "QUOTE_DECIDED")
        refused(owner.post(f"{path}/send", json={}), 409, "QUOTE_DECIDED")
        refused(owner.delete(path), 409, "QUOTE_DECIDED")


class TestHowOften:
    def test_who_asks_too_often_waits(self, owner, anybody, offer, send, few):
        quote = offer()
        key = send(quote)
        assert [anybody.post(LINK, json={"token": key}).status_code for _ in range(3)] == [200] * 3
        for path, more in (
            ("", {}),
            ("/pdf", {}),
            ("/decline", {}),
            ("/accept", {"name": "Ada", "total_cents": 1}),
        ):
            answer = anybody.post(f"{LINK}{path}", json={"token": key, **more})
            refused(answer, 429, "LINK_USED_TOO_OFTEN")
            assert 0 < int(answer.headers["retry-after"]) <= 20
        assert read(owner, quote)["status"] == "sent"
        assert anybody.post(LINK, json={"token": send(offer())}).status_code == 200

    def test_who_guesses_is_stopped_by_where_they_are(self, anybody, few):
        guesses = [anybody.post(LINK, json={"token": f"{n:043}"}).status_code for n in range(20)]
        assert guesses == [404] * 18 + [429] * 2

    def test_without_a_database_each_process_counts_for_itself(self):
        class Away:
            async def take(self, asked):
                raise Unavailable

        async def ask(calls):
            for _ in range(4):
                await calls.count("198.51.100.7", "a key")

        with pytest.raises(LinkUsedTooOften):
            asyncio.run(ask(LinkCalls(3, Away())))

    def test_processes_that_share_a_database_count_together(self, firm):
        firm.sql("delete from rate_limits")
        one, other = (LinkCalls(2, SharedDebts(firm.running.app.state.database)) for _ in range(2))

        async def ask(calls):
            await calls.count("198.51.100.7", "a key")

        firm.running.wait_for(ask(one))
        firm.running.wait_for(ask(other))
        for calls in (one, other):
            with pytest.raises(LinkUsedTooOften):
                firm.running.wait_for(ask(calls))
        assert not firm.sql("select 1 from rate_limits where position('a key' in key) > 0")


class TestErasure:
    def test_the_paper_goes_and_its_hash_stays(self, firm, owner, customer, offer, send):
        quote = offer(recipient_name="Ada Byron")
        send(quote)
        blank = ", ".join(f"{name} = {value}" for name, value in KNOWN["quote_versions"].blank.items())
        firm.sql(f"update quote_versions set {blank} where quote_id = %s", quote["id"])
        ((document, pdf, digest),) = firm.sql(
            "select document::text, pdf, pdf_sha256 from quote_versions where quote_id = %s", quote["id"]
        )
        assert ("Ada" in document, pdf, len(digest)) == (False, None, 64)
        refused(
            owner.get(f"{QUOTES}/{quote['id']}/pdf", params={"version": 1}), 404, "QUOTE_VERSION_NOT_FOUND"
        )
        (version,) = owner.get(f"{QUOTES}/{quote['id']}/versions").json()["data"]
        assert version["has_pdf"] is False
        made = owner.get(f"{QUOTES}/{quote['id']}/pdf")  # of what still stands there
        assert (made.status_code, made.content[:4]) == (200, b"%PDF")
