"""Requests for a review: who may be asked and when, the link of the mail, and what comes of it."""

from __future__ import annotations

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from serve.crm.reviews import service
from tests.serve.crm.test_places import fields_of

REQUESTS = "/api/v1/review-requests"
LINKS = "/api/v1/review-links"


@pytest.fixture(scope="module", autouse=True)
def purpose(firm):
    """The firm has said on which ground it asks."""
    made = firm.client("owner").post(
        "/api/v1/privacy/purposes",
        json={
            "key": service.CONSENT,
            "name": "Reviews of our work",
            "lawful_basis": "legitimate_interests",
        },
    )
    assert made.status_code == 201, made.text
    return made.json()["data"]["id"]


def new_contact(owner, **fields: object) -> str:
    person = {"full_name": "Ada Byron", "email": f"{uuid4().hex}@example.org", **fields}
    made = owner.post("/api/v1/contacts", json=person)
    assert made.status_code == 201, made.text
    return made.json()["data"]["id"]


@pytest.fixture
def contact(owner):
    return new_contact(owner)


@pytest.fixture
def job(firm):
    """``job("completed", account_id=…)``: the id of a job."""

    def make(status: str = "completed", account_id: str | None = None) -> str:
        [(row_id,)] = firm.sql(
            "insert into jobs (tenant_id, service, status, requested_at, price_cents, cost_cents, currency, account_id)"
            " values (%s, 'Boiler service', %s, now(), 100, 50, 'EUR', %s) returning id",
            *(firm.a, status, account_id),
        )
        return str(row_id)

    return make


@pytest.fixture
def ask(owner, contact):
    """``ask(message="…")``: a request, as its making showed it."""

    def make(**fields: object):
        made = owner.post(REQUESTS, json={"contact_id": contact, **fields})
        assert made.status_code == 201, made.text
        return made.json()["data"]

    return make


@pytest.fixture
def sent(firm, owner, ask):
    """``sent()``: (a request that was sent, the key of its link)."""

    def make(**fields: object):
        row = ask(**fields)
        firm.work()
        row = owner.get(f"{REQUESTS}/{row['id']}").json()["data"]
        assert row["status"] == "sent"
        [(text,)] = firm.sql("select text from mails where id = %s", row["mail_id"])
        found = re.search(r"/reviews/answer\S*#([\w-]+)", text)
        assert found is not None
        return row, found[1]

    return make


def refused(answer, status: int, code: str) -> str:
    assert answer.status_code == status, answer.text
    assert answer.json()["error"]["code"] == code
    return str(answer.json()["error"]["details"])


class TestAsking:
    def test_the_mail_has_a_link_and_names_the_work(self, firm, owner, sent, job):
        row, token = sent(job_id=job(), message="Thank you for having us.")
        [(text, to)] = firm.sql("select text, to_address from mails where id = %s", row["mail_id"])
        assert "Boiler service" in text
        assert "Thank you for having us." in text
        assert to == owner.get(f"/api/v1/contacts/{row['contact_id']}").json()["data"]["email"]
        assert row["sent_at"] < row["expires_at"]
        assert firm.sql(
            "select count(*) from account_tokens where purpose = 'review' and hash = %s", token.encode()
        ) == [(0,)]
        assert [name for name, *_ in firm.events(row["id"])] == [
            "review_request.created",
            "review_request.sent",
        ]

    def test_the_mail_speaks_as_the_tenant_does(self, firm, sent, job, live_in):
        live_in("fr-CM")
        row, _ = sent(job_id=job())
        [(subject, text)] = firm.sql("select subject, text from mails where id = %s", row["mail_id"])
        assert subject.endswith("\u00a0: qu’en pensez-vous\u202f?")
        assert "Que pensez-vous de notre travail (Boiler service)" in text
        assert "/reviews/answer?language=fr#" in text
        assert "(UTC)" in text

    def test_a_later_one_waits_for_its_time(self, firm, owner, ask):
        later = datetime.now(UTC) + timedelta(days=2)
        row = ask(send_at=later.isoformat())
        firm.work()
        assert owner.get(f"{REQUESTS}/{row['id']}").json()["data"]["status"] == "queued"
        sooner = owner.patch(f"{REQUESTS}/{row['id']}", json={"send_at": datetime.now(UTC).isoformat()})
        assert sooner.status_code == 200, sooner.text
        firm.work()
        assert owner.get(f"{REQUESTS}/{row['id']}").json()["data"]["status"] == "sent"
        late = owner.patch(f"{REQUESTS}/{row['id']}", json={"message": "Oh, and"})
        refused(late, 409, "REVIEW_REQUEST_SENT")

    def test_nobody_is_asked_twice_within_the_pause(self, owner, ask, contact):
        first = ask()
        again = refused(owner.post(REQUESTS, json={"contact_id": contact}), 409, "REVIEW_TOO_SOON")
        due = datetime.fromisoformat(first["send_at"]) + timedelta(days=90)
        assert f"{due:%Y-%m-%d}" in again
        soon = (due - timedelta(hours=1)).isoformat()
        refused(owner.post(REQUESTS, json={"contact_id": contact, "send_at": soon}), 409, "REVIEW_TOO_SOON")
        ask(send_at=(due + timedelta(hours=1)).isoformat())

    def test_moving_one_into_the_pause_of_another_is_refused(self, firm, owner, ask):
        ask()
        second = ask(send_at=(datetime.now(UTC) + timedelta(days=100)).isoformat())
        moved = owner.patch(f"{REQUESTS}/{second['id']}", json={"send_at": datetime.now(UTC).isoformat()})
        refused(moved, 409, "REVIEW_TOO_SOON")
        assert owner.get(f"{REQUESTS}/{second['id']}").json()["data"]["send_at"] == second["send_at"]

    def test_moving_one_into_the_past_is_asking_now(self, firm, owner, ask):
        ask()
        second = ask(send_at=(datetime.now(UTC) + timedelta(days=100)).isoformat())
        moved = owner.patch(f"{REQUESTS}/{second['id']}", json={"send_at": "2020-01-01T00:00:00Z"})
        refused(moved, 409, "REVIEW_TOO_SOON")
        firm.work()
        assert owner.get(f"{REQUESTS}/{second['id']}").json()["data"]["status"] == "queued"
        alone = ask(
            contact_id=new_contact(owner), send_at=(datetime.now(UTC) + timedelta(days=1)).isoformat()
        )
        begun = datetime.now(UTC)
        moved = owner.patch(f"{REQUESTS}/{alone['id']}", json={"send_at": "2020-01-01T00:00:00Z"})
        assert datetime.fromisoformat(moved.json()["data"]["send_at"]) >= begun
        firm.work()
        assert owner.get(f"{REQUESTS}/{alone['id']}").json()["data"]["status"] == "sent"

    def test_of_two_that_are_moved_together_at_once_one_stays(self, owner, ask, monkeypatch):
        one, other = (
            ask(send_at=(datetime.now(UTC) + timedelta(days=days)).isoformat()) for days in (1, 200)
        )
        middle = {"send_at": (datetime.now(UTC) + timedelta(days=100)).isoformat()}
        check, both_looked = service._check_pause, asyncio.Barrier(2)

        async def check_and_wait(*asked):
            await check(*asked)
            with suppress(TimeoutError):
                await asyncio.wait_for(both_looked.wait(), 0.5)

        monkeypatch.setattr(service, "_check_pause", check_and_wait)
        with ThreadPoolExecutor(2) as both:
            answers = both.map(lambda row: owner.patch(f"{REQUESTS}/{row['id']}", json=middle), (one, other))
        assert sorted(answer.status_code for answer in answers) == [200, 409]

    def test_a_name_of_two_lines_keeps_nobody_from_being_asked(self, firm, owner, ask):
        row = ask(contact_id=new_contact(owner, full_name="Ada\nByron"))
        firm.work()
        assert owner.get(f"{REQUESTS}/{row['id']}").json()["data"]["status"] == "sent"

    def test_one_that_was_taken_back_does_not_count(self, firm, owner, ask):
        row = ask()
        gone = owner.patch(f"{REQUESTS}/{row['id']}", json={"status": "cancelled"}).json()["data"]
        assert gone["cancelled_at"] is not None
        firm.work()
        assert owner.get(f"{REQUESTS}/{row['id']}").json()["data"]["sent_at"] is None
        ask()

    def test_the_pause_is_the_tenants_own(self, owner, ask):
        ask()
        set_to = owner.put("/api/v1/settings/reviews", json={"cooldown_days": 0})
        assert set_to.status_code == 200, set_to.text
        ask()
        owner.put("/api/v1/settings/reviews", json={"cooldown_days": None})

    def test_whoever_said_no_is_not_asked(self, firm, owner, contact, purpose, ask):
        row = ask(send_at=(datetime.now(UTC) + timedelta(days=100)).isoformat())
        said = owner.post(
            "/api/v1/privacy/consents",
            json={
                "subject_kind": "contact",
                "subject_id": contact,
                "purpose_id": purpose,
                "channel": "email",
                "decision": "withdrawn",
                "source": "telephone",
            },
        )
        assert said.is_success, said.text
        why = refused(owner.post(REQUESTS, json={"contact_id": contact}), 409, "REVIEW_NOT_ALLOWED")
        assert "withdrawn" in why
        # One that waits is asked about again when its time comes.
        firm.sql("update review_requests set send_at = now() where id = %s returning 1", row["id"])
        firm.work(waits_too=True)
        shown = owner.get(f"{REQUESTS}/{row['id']}").json()["data"]
        assert (shown["status"], shown["cancel_reason"], shown["mail_id"]) == ("cancelled", "withdrawn", None)

    def test_without_a_ground_nobody_is_asked(self, firm):
        other = firm.client("owner", firm.b)
        made = other.post("/api/v1/contacts", json={"full_name": "B", "email": "b@example.org"}).json()[
            "data"
        ]
        refused(other.post(REQUESTS, json={"contact_id": made["id"]}), 409, "REVIEW_NOT_ALLOWED")

    def test_only_about_work_that_is_done_for_that_customer(self, owner, contact, job):
        asked = {"contact_id": contact, "job_id": job("in_progress")}
        assert "in_progress" in refused(owner.post(REQUESTS, json=asked), 409, "JOB_NOT_DONE")
        made = [owner.post("/api/v1/accounts", json={"name": name, "country": "DE"}) for name in "AB"]
        accounts = [each.json()["data"]["id"] for each in made]
        owner.patch(f"/api/v1/contacts/{contact}", json={"account_id": accounts[0]})
        asked["job_id"] = job(account_id=accounts[1])
        assert fields_of(owner.post(REQUESTS, json=asked)) == ["job_id"]

    def test_what_is_wrong_is_named(self, firm, owner, contact):
        silent = owner.post("/api/v1/contacts", json={"full_name": "No Mail"}).json()["data"]["id"]
        for asked, named in (
            ({"contact_id": str(uuid4())}, ["contact_id"]),
            ({"contact_id": silent}, ["contact_id"]),
            ({"contact_id": contact, "job_id": str(uuid4())}, ["job_id"]),
            ({"contact_id": contact, "channel": "pigeon"}, ["channel"]),
            ({"contact_id": contact, "rating": 5}, ["rating"]),
            ({}, ["contact_id"]),
        ):
            assert fields_of(owner.post(REQUESTS, json=asked)) == named
        assert firm.client("technician").post(REQUESTS, json={"contact_id": contact}).status_code == 403
        assert fields_of(firm.client("owner", firm.b).post(REQUESTS, json={"contact_id": contact})) == [
            "contact_id"
        ]


class TestLink:
    def test_looking_is_noted_and_answering_may_be_changed(self, firm, owner, sent):
        row, token = sent()
        stranger = firm.running.client()
        shown = stranger.post(f"{LINKS}/show", json={"token": token})
        assert shown.json()["data"] == {
            "tenant_name": "A",
            "tenant_slug": "a",
            "service": None,
            "rating": None,
            "comment": None,
            "publish_at": None,
        }
        assert shown.headers["cache-control"] == "no-store"
        assert owner.get(f"{REQUESTS}/{row['id']}").json()["data"]["status"] == "opened"
        for rating, comment in ((2, "Late."), (4, "Late, but tidy.")):
            said = stranger.post(LINKS, json={"token": token, "rating": rating, "comment": comment})
            assert said.json()["data"]["rating"] == rating
        answered = owner.get(f"{REQUESTS}/{row['id']}").json()["data"]
        assert (answered["status"], answered["rating"], answered["comment"], answered["answered_by"]) == (
            *("answered", 4, "Late, but tidy."),
            "customer",
        )
        [(names,)] = firm.sql(
            "select array_agg(name order by position) from events where entity_id = %s and name like '%%.answered'",
            row["id"],
        )
        assert len(names) == 2
        assert not any("tidy" in str(after) for _, _, after in firm.events(row["id"]))

    def test_one_that_was_taken_back_or_is_over_opens_nothing(self, firm, owner, sent):
        row, token = sent()
        owner.patch(f"{REQUESTS}/{row['id']}", json={"status": "cancelled"})
        for path, body in ((f"{LINKS}/show", {}), (LINKS, {"rating": 5})):
            refused(firm.running.client().post(path, json={"token": token, **body}), 410, "REVIEW_LINK_OVER")
            unknown = firm.running.client().post(path, json={"token": "x" * 43, **body})
            refused(unknown, 404, "REVIEW_LINK_NOT_FOUND")

    def test_who_asks_too_often_waits(self, firm, owner, sent, few):
        row, token = sent()
        stranger = firm.running.client()
        shown = [stranger.post(f"{LINKS}/show", json={"token": token}).status_code for _ in range(3)]
        assert shown == [200] * 3
        for path, body in ((f"{LINKS}/show", {}), (LINKS, {"rating": 5})):
            answer = stranger.post(path, json={"token": token, **body})
            refused(answer, 429, "LINK_USED_TOO_OFTEN")
            assert 0 < int(answer.headers["retry-after"]) <= 20
        assert owner.get(f"{REQUESTS}/{row['id']}").json()["data"]["rating"] is None

    def test_its_end_is_noted_unless_there_is_an_answer(self, firm, owner, sent):
        row, token = sent()
        firm.sql("update review_requests set expires_at = now() where id = %s returning 1", row["id"])
        firm.work(waits_too=True)
        assert owner.get(f"{REQUESTS}/{row['id']}").json()["data"]["status"] == "expired"
        refused(firm.running.client().post(f"{LINKS}/show", json={"token": token}), 410, "REVIEW_LINK_OVER")

    def test_a_firm_that_is_held_gets_no_answers(self, firm, sent):
        _, token = sent()
        with firm.standing_still():
            said = firm.running.client().post(LINKS, json={"token": token, "rating": 1})
            assert said.status_code == 403, said.text

    @pytest.mark.parametrize("rating", [0, 6, None, "good"])
    def test_a_rating_is_from_one_to_five(self, firm, sent, rating):
        _, token = sent()
        said = firm.running.client().post(LINKS, json={"token": token, "rating": rating})
        assert fields_of(said) == ["rating"]


class TestByHand:
    def test_staff_write_down_what_they_were_told(self, owner, ask):
        row = ask()
        told = owner.patch(f"{REQUESTS}/{row['id']}", json={"rating": 5, "comment": "On the phone: great."})
        shown = told.json()["data"]
        assert (shown["status"], shown["answered_by"]) == ("answered", "staff")
        public = owner.patch(f"{REQUESTS}/{row['id']}", json={"published_on": "Our own pages"}).json()["data"]
        assert (public["published_on"], public["answered_at"]) == ("Our own pages", shown["answered_at"])
        refused(
            owner.patch(f"{REQUESTS}/{row['id']}", json={"status": "cancelled"}), 409, "REVIEW_REQUEST_OVER"
        )
        stats = owner.get(f"{REQUESTS}/stats", params={"by": "rating", "ids": row["id"]}).json()["data"]
        assert stats == {"total": 1, "by": {"rating": [{"value": 5, "count": 1}]}}

    def test_what_does_not_belong_is_named(self, owner, ask):
        row = ask()
        for changes, named in (
            ({"comment": "Nice"}, ["comment"]),
            ({"published_on": "Somewhere"}, ["published_on"]),
            ({"status": "sent"}, ["status"]),
            ({"contact_id": str(uuid4())}, ["contact_id"]),
            ({"rating": 7}, ["rating"]),
        ):
            assert fields_of(owner.patch(f"{REQUESTS}/{row['id']}", json=changes)) == named
