"""A day at the front ends' sockets: every event that they listen for arrives, over both transports, by name."""

from __future__ import annotations

import re
from contextlib import ExitStack
from typing import Any
from uuid import UUID, uuid4

from serve.kernel.db import Transaction
from serve.kernel.events import emit, hint
from serve.platform.realtime import names
from tests.journeys.rows import LIST
from tests.serve.realtime.listening import lines, socket

GROUP = "realtime"

SAID = set(re.findall(r",WS,/ws,event ([a-z.]+):", LIST.read_text()))
"""The events that the endpoint list names."""


async def a_lead_comes_in(db: Transaction) -> UUID:
    """As the CRM will: a row, and soon a change of it."""
    lead = await db.fetch_one(
        "insert into leads (tenant_id, full_name, email, source, cost_cents, currency)"
        " values ($1, 'Ada Byron', 'ada@example.org', 'web', 0, 'EUR') returning id",
        db.caller.tenant_id,
    )
    assert lead is not None
    return UUID(lead["id"])


async def a_campaign_starts(db: Transaction) -> None:
    campaign = await db.fetch_one(
        "insert into campaigns (tenant_id, name, channel, cost_cents, currency)"
        " values ($1, 'Spring', 'email', 0, 'EUR') returning id",
        db.caller.tenant_id,
    )
    assert campaign is not None
    await db.execute("update campaigns set status = 'running' where id = $1", campaign["id"])


def test_a_day_at_the_front_ends(office):
    owner, agent = office.person("owner"), office.person("agent")
    state = office.running.app.state

    def do(work: Any, *values: Any) -> Any:
        """In a transaction of the owner, as a service will."""

        async def done() -> Any:
            caller = state.tokens.verify(owner.session["access_token"])
            async with state.database.transaction(caller, request_id="journey") as db:
                return await work(db, *values)

        return office.running.wait_for(done())

    with ExitStack() as stack:
        token = owner.session["access_token"]
        browser = stack.enter_context(socket(office.running, token))
        phone = stack.enter_context(lines(office.running, token))
        salesman = stack.enter_context(socket(office.running, agent.session["access_token"]))
        office.called |= {"WS /ws", "GET /api/realtime/subscribe"}
        assert browser.hear("ready")["topics"] == ["*"]
        salesman.hear("ready")
        heard: list[dict[str, Any]] = []

        def both_hear(name: str) -> dict[str, Any]:
            said, written = browser.hear(), phone.hear()
            assert said == written
            assert said["name"] == name
            heard.append(said)
            return said

        # FlipTech: a lead comes in and is called; people's names stay out of what is told.
        lead = do(a_lead_comes_in)
        created = both_hear("lead.created")
        assert created["entity"] == {"type": "lead", "id": str(lead)}
        assert created["actor"] == {"kind": "user", "id": owner.id}
        assert created["data"]["source"] == "web"
        assert created["data"]["full_name"] == {"sealed": None}
        assert "Ada" not in str(created)
        do(lambda db: db.execute("update leads set status = 'contacted' where id = $1", lead))
        assert both_hear("lead.updated")["data"] == {"status": "contacted"}

        # A scrape job says how far it has got to whoever looks, and leaves its end in the history.
        job, far = uuid4(), {"done_count": 40, "total_count": 100}
        do(hint, names.SCRAPE_PROGRESS, "scrape", job, far)
        progress = both_hear("scrape.progress")
        assert (progress["id"], progress["is_transient"], progress["data"]) == (None, True, far)
        do(emit, names.SCRAPE_COMPLETED, "scrape", job, {"found_count": 12})
        completed = both_hear("scrape.completed")
        assert (completed["is_transient"], completed["data"]) == (False, {"found_count": 12})

        do(a_campaign_starts)
        assert both_hear("campaign.status")["data"] == {"status": "running"}
        approval = uuid4()
        do(emit, names.APPROVAL_PENDING, "approval", approval, {"kind": "message"})
        both_hear("approval.pending")
        do(emit, names.APPROVAL_RESOLVED, "approval", approval, {"decision": "approved"})
        both_hear("approval.resolved")
        run = uuid4()
        do(emit, names.WORKFLOW_STARTED, "workflow", run, {"trigger": "lead.created"})
        both_hear("workflow.started")
        do(emit, names.WORKFLOW_COMPLETED, "workflow", run, {"outcome": "done"})
        both_hear("workflow.completed")

        # Voice CRM: the manager writes to the owner, who alone hears of it.
        office.person("manager")("POST /api/notifications", {"title": "Coffee?", "user_ids": [owner.id]})
        sent = browser.hear()
        assert sent == phone.hear()
        assert sent["name"] == "notification.sent"
        new = both_hear("notification.new")
        assert new["data"]["user_id"] == owner.id
        assert "Coffee" not in str(new)
        assert owner("GET /api/notifications/{id}", id=new["entity"]["id"]).data["title"] == "Coffee?"

        # The agent has heard what agents may read, in the same order and nothing else.
        expected = [one for one in heard if one["name"].partition(".")[0] in ("lead", "campaign", "approval")]
        assert [salesman.hear() for _ in expected] == expected

        assert {one["name"] for one in heard} == SAID
        assert len(SAID) == 10

        # A phone that was away hears all of it again from where it stopped, but not how far the job once was.
        missed = [one for one in heard if not one["is_transient"]]
        headers = {"Last-Event-ID": missed[0]["id"]}
        with lines(
            office.running, token, headers=headers, follow="false", topics="lead.*,campaign.*"
        ) as back:
            assert back.all() == [one for one in missed[1:] if one["name"].startswith(("lead.", "campaign."))]
