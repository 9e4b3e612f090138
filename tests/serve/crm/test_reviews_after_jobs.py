"""Customers who are asked because a job is done, some hours later and once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from serve.crm.reviews.after_jobs import queue_due
from tests.serve.crm.test_reviews import REQUESTS
from tests.serve.crm.test_reviews import job as job  # the fixtures
from tests.serve.crm.test_reviews import purpose as purpose


class TestAfterJobs:
    """A job is done, and its customer is asked by itself."""

    @pytest.fixture(autouse=True)
    def switched_on(self, firm, owner):
        assert owner.put("/api/v1/settings/reviews", json={"ask_after_h": 24}).status_code == 200
        yield
        owner.put("/api/v1/settings/reviews", json={"ask_after_h": None})
        firm.sql("delete from review_turns")

    @pytest.fixture
    def customer(self, owner):
        """``customer()``: (account, contact)."""

        def make(email: str | None = None) -> tuple[str, str]:
            account = owner.post("/api/v1/accounts", json={"name": "Firm", "country": "DE"}).json()["data"][
                "id"
            ]
            person = {"full_name": "Ada Byron", "email": email or f"{uuid4().hex}@example.org"}
            made = owner.post("/api/v1/contacts", json=person | {"account_id": account}).json()["data"]
            return account, made["id"]

        return make

    @pytest.fixture
    def look(self, firm):
        """``look(hours)``: so many hours from now, the worker looks and works; how many jobs it took."""

        def turn(hours: float) -> int:
            moment = datetime.now(UTC) + timedelta(hours=hours)
            queued = firm.running.wait_for(queue_due(firm.running.app.state.worker_database, moment))
            firm.work()
            return queued

        return turn

    def outcome(self, firm, job_id):
        return [row[0] for row in firm.sql("select outcome from review_turns where job_id = %s", job_id)]

    def test_a_day_after_the_work_its_customer_is_asked_once(self, firm, owner, job, customer, look):
        account, contact = customer()
        done = job("in_progress", account)
        assert self.outcome(firm, done) == []
        firm.sql("update jobs set status = 'completed', completed_at = now() where id = %s", done)
        assert look(23) == 0
        assert look(25) == 1
        [request] = owner.get(REQUESTS, params={"job_id": done}).json()["data"]
        assert (request["contact_id"], request["status"]) == (contact, "sent")
        [(text,)] = firm.sql("select text from mails where id = %s", request["mail_id"])
        assert "Boiler service" in text
        assert self.outcome(firm, done) == ["asked"]
        # Opened again and done again: asked once.
        firm.sql("update jobs set status = 'in_progress' where id = %s", done)
        firm.sql("update jobs set status = 'completed', completed_at = now() where id = %s", done)
        assert look(100) == 0
        assert owner.get(REQUESTS, params={"job_id": done}).json()["meta"]["total"] == 1

    def test_many_at_once_and_old_ones_not_at_all(self, firm, job, customer, look):
        jobs = [job("assigned", customer()[0]) for _ in range(3)]
        firm.sql("update jobs set status = 'completed', completed_at = now() where id = any(%s)", jobs[:2])
        long_ago = (
            "update jobs set status = 'completed', completed_at = now() - interval '3 days' where id = %s"
        )
        firm.sql(long_ago, jobs[2])
        assert look(25) == 2
        assert [self.outcome(firm, each) for each in jobs] == [["asked"], ["asked"], []]

    def test_who_may_not_be_asked_is_not(self, firm, owner, job, customer, look, purpose):
        account, contact = customer()
        first = job("completed", account)
        assert look(25) == 1
        again = job("completed", account)
        assert look(25) == 1
        assert [self.outcome(firm, each) for each in (first, again)] == [["asked"], ["review_too_soon"]]
        nobody, by_hand = job("completed"), job("completed", customer()[0])
        [(whom,)] = firm.sql(
            "select c.id from contacts c join jobs j on j.account_id = c.account_id where j.id = %s", by_hand
        )
        assert owner.post(REQUESTS, json={"contact_id": str(whom), "job_id": by_hand}).status_code == 201
        account, contact = customer()
        objected = job("completed", account)
        withdrawn = job("completed", customer()[0])
        firm.sql("update jobs set status = 'cancelled' where id = %s", withdrawn)
        no = {"purpose_id": purpose, "channel": "email", "decision": "withdrawn", "source": "telephone"}
        said = owner.post(
            "/api/v1/privacy/consents", json=no | {"subject_kind": "contact", "subject_id": contact}
        )
        assert said.status_code == 201, said.text
        assert look(25) == 4
        outcomes = [self.outcome(firm, each) for each in (nobody, by_hand, objected, withdrawn)]
        assert outcomes == [["nobody_to_ask"], ["asked_by_hand"], ["review_not_allowed"], ["job_not_done"]]

    def test_where_nobody_has_set_it_nobody_is_asked(self, firm, owner, job, customer, look):
        account, _ = customer()
        noted = job("completed", account)
        owner.put("/api/v1/settings/reviews", json={"ask_after_h": None})
        done = job("completed", account)
        assert look(25) == 1
        assert (self.outcome(firm, noted), self.outcome(firm, done)) == (["switched_off"], [])

    def test_several_workers_that_look_at_once_take_it_once(self, firm, job, customer):
        job("completed", customer()[0])
        moment = datetime.now(UTC) + timedelta(hours=25)
        database = firm.running.app.state.worker_database

        async def several():
            return await asyncio.gather(*(queue_due(database, moment) for _ in range(4)))

        assert sum(firm.running.wait_for(several())) == 1
        firm.work()
