"""One ticket becomes part of another, and comes out again as it went in."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from tests.serve.crm.tickets.test_tickets import TICKETS, act, wrong


@pytest.fixture
def pair(ticket, customer):
    """Two tickets of one customer."""
    whose = customer()
    return ticket(**whose), ticket(**whose)


def read(client, made):
    return client.get(f"{TICKETS}/{made['id']}").json()["data"]


def words(client, made):
    return [row["body"] for row in client.get(f"{TICKETS}/{made['id']}/replies").json()["data"]]


def code(answer):
    return answer.status_code, answer.json()["error"]["code"]


class TestMerge:
    def test_its_replies_go_there_and_it_is_closed(self, agent, pair, firm):
        source, target = pair
        act(agent, source, "replies", body="One")
        act(agent, target, "replies", body="Two")
        merged = act(agent, source, "merge", into_id=target["id"]).json()["data"]
        assert (merged["status"], merged["merged_into_id"]) == ("closed", target["id"])
        assert (words(agent, source), words(agent, target)) == ([], ["One", "Two"])
        assert firm.events(source["id"])[-1][0] == "ticket.merged"

    def test_what_was_merged_stays_as_it_is(self, agent, pair):
        source, target = pair
        act(agent, source, "merge", into_id=target["id"])
        for what, body in (
            ("reopen", {}),
            ("resolve", {"resolution": "x"}),
            ("replies", {"body": "x", "is_internal": True}),
            ("merge", {"into_id": target["id"]}),
            ("satisfaction", {"rating": 1}),
        ):
            assert code(act(agent, source, what, **body)) == (409, "TICKET_MERGED"), what
        assert code(agent.patch(f"{TICKETS}/{source['id']}", json={"priority": "low"})) == (
            409,
            "TICKET_MERGED",
        )
        assert code(agent.delete(f"{TICKETS}/{source['id']}")) == (409, "TICKET_MERGED")
        assert code(agent.delete(f"{TICKETS}/{target['id']}")) == (409, "HOLDS_MERGED")

    def test_what_does_not_go_together_is_refused(self, agent, pair, ticket, firm):
        source, target = pair
        assert wrong(act(agent, source, "merge", into_id=source["id"])) == ["into_id"]
        assert wrong(act(agent, source, "merge", into_id=str(uuid4()))) == ["into_id"]
        assert wrong(act(agent, source, "merge", into_id=ticket()["id"])) == ["into_id"]
        act(agent, target, "close", resolution="Done")
        assert code(act(agent, source, "merge", into_id=target["id"])) == (409, "TICKET_CLOSED")
        theirs = firm.client("owner", firm.b)
        assert act(theirs, source, "merge", into_id=target["id"]).status_code == 404
        assert read(agent, source)["status"] == "open"

    def test_two_that_cross_do_not_wait_for_each_other(self, firm, pair):
        one, other = pair
        with ThreadPoolExecutor(2) as both:
            answers = list(
                both.map(
                    lambda way: act(firm.client("agent"), way[0], "merge", into_id=way[1]["id"]).status_code,
                    ((one, other), (other, one)),
                )
            )
        assert sorted(answers) == [200, 409]


class TestUnmerge:
    @pytest.mark.parametrize("status", ["open", "pending", "resolved"])
    def test_it_is_as_it_was(self, agent, pair, status):
        source, target = pair
        act(agent, source, "replies", body="Mine")
        agent.patch(f"{TICKETS}/{source['id']}", json={"status": status, "resolution": "As said"})
        act(agent, target, "replies", body="Theirs")
        before, other = read(agent, source), read(agent, target)
        act(agent, source, "merge", into_id=target["id"])
        act(agent, target, "replies", body="Later")
        back = act(agent, source, "unmerge")
        assert back.status_code == 200, back.text
        assert {**read(agent, source), "updated_at": None} == {**before, "updated_at": None}
        assert read(agent, target) == other
        assert (words(agent, source), words(agent, target)) == (["Mine"], ["Theirs", "Later"])

    def test_what_stands_against_it_is_said(self, agent, pair, ticket):
        source, target = pair
        third = ticket(account_id=source["account_id"])
        assert code(act(agent, source, "unmerge")) == (409, "NOT_MERGED")
        act(agent, source, "replies", body="Far from home")
        act(agent, source, "merge", into_id=target["id"])
        act(agent, target, "merge", into_id=third["id"])
        assert words(agent, third) == ["Far from home"]
        assert code(act(agent, source, "unmerge")) == (409, "MERGE_STANDS")
        assert wrong(act(agent, source, "unmerge"), 409) == ["merged_into_id"]
        act(agent, target, "unmerge")
        assert act(agent, source, "unmerge").status_code == 200
        assert words(agent, source) == ["Far from home"]

    def test_it_can_be_merged_and_come_out_again_and_again(self, agent, pair):
        source, target = pair
        for _ in range(3):
            assert act(agent, source, "merge", into_id=target["id"]).status_code == 200
            assert act(agent, source, "unmerge").status_code == 200
        assert read(agent, source)["status"] == "open"
