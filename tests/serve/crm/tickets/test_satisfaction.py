"""How content customers are: in the words of staff, and by the link of a mail."""

from __future__ import annotations

import re

import pytest

from serve.crm.tickets.satisfaction import PURPOSE
from serve.kernel.speech import Speech
from tests.serve.crm.conftest import last_mail
from tests.serve.crm.tickets.test_tickets import TICKETS, act, wrong

RATINGS = "/api/v1/ticket-ratings"


@pytest.fixture
def stranger(firm):
    """Somebody who has not logged in."""
    return firm.running.client()


@pytest.fixture
def asked(agent, ticket, firm):
    """A ticket that was resolved with the question how content one is, and the token of the mail's link."""

    def ask(made=None):
        made = made or ticket()
        done = act(agent, made, "resolve", resolution="Came again", ask_rating=True)
        assert done.status_code == 200, done.text
        return done.json()["data"], re.search(r"/tickets/rate\S*#([\w-]+)", last_mail(firm)[1])[1]

    return ask


def code(answer):
    return answer.status_code, answer.json()["error"]["code"]


class TestByStaff:
    def test_it_is_said_of_what_is_done(self, agent, ticket, firm):
        made = ticket()
        assert code(act(agent, made, "satisfaction", rating=5)) == (409, "NOT_DONE_YET")
        act(agent, made, "resolve", resolution="Done")
        said = act(agent, made, "satisfaction", rating=2, comment="Slow").json()["data"]
        assert (said["satisfaction"], said["satisfaction_comment"]) == (2, "Slow")
        again = act(agent, made, "satisfaction", rating=4).json()["data"]
        assert (again["satisfaction"], again["satisfaction_comment"]) == (4, None)
        assert [name for name, *_ in firm.events(made["id"])].count("ticket.rated") == 2
        assert "Slow" not in str(firm.events(made["id"]))

    @pytest.mark.parametrize("rating", [0, 6, 2.5, "5 stars", None, True])
    def test_only_one_to_five(self, agent, ticket, rating):
        made = ticket()
        act(agent, made, "resolve", resolution="Done")
        answer = agent.post(f"{TICKETS}/{made['id']}/satisfaction", json={"rating": rating})
        assert wrong(answer) == ["rating"]


class TestMail:
    def test_it_says_what_was_done_and_until_when_the_link_works(self, asked, firm):
        """In English, which is what a tenant speaks that has set nothing."""
        _, token = asked()
        [(until,)] = firm.sql(
            "select expires_at at time zone 'UTC' from account_tokens where purpose = %s"
            " order by created_at desc limit 1",
            PURPOSE,
        )
        subject, text = last_mail(firm)
        assert subject == "How content are you? The visit was late"
        said = 'Your request "The visit was late" is resolved:\n\nCame again\n\nHow content are you?'
        assert text.startswith(f"Hello Ada Byron,\n\n{said} Tell us here:\n\nhttp")
        assert (
            f"/tickets/rate#{token}\n\nThe link works until {Speech('en', {}).moment(until)} (UTC);" in text
        )
        assert text.endswith("\n\nA\n")

    def test_it_speaks_as_the_tenant_does(self, asked, ticket, firm, live_in):
        live_in("de-AT")
        _, token = asked(ticket(subject="Der Termin\nfiel aus"))
        subject, text = last_mail(firm)
        assert subject == "Wie zufrieden sind Sie? Der Termin fiel aus"
        assert "Ihr Anliegen „Der Termin fiel aus“ ist erledigt:\n\nCame again\n\n" in text
        assert f"/tickets/rate?language=de#{token}\n\nDer Link gilt bis " in text
        assert "How" not in subject + text

    def test_braces_in_a_subject_are_none_of_ours(self, asked, ticket, firm):
        asked(ticket(subject="What is {tenant}?"))
        assert last_mail(firm)[0] == "How content are you? What is {tenant}?"

    def test_who_speaks_none_of_them_is_asked_in_english(self, asked, firm, live_in):
        live_in("it-IT")
        asked()
        subject, text = last_mail(firm)
        assert subject.startswith("How content are you?")
        assert "/tickets/rate#" in text


class TestByLink:
    def test_who_asks_too_often_waits(self, asked, stranger, agent, few):
        made, token = asked()
        for _ in range(3):
            assert stranger.post(f"{RATINGS}/show", json={"token": token}).status_code == 200
        for path, body in ((f"{RATINGS}/show", {}), (RATINGS, {"rating": 5})):
            assert code(stranger.post(path, json={"token": token, **body})) == (429, "LINK_USED_TOO_OFTEN")
        assert agent.get(f"{TICKETS}/{made['id']}").json()["data"]["satisfaction"] is None

    def test_looking_changes_nothing_and_what_was_said_may_be_changed(self, asked, stranger, agent, firm):
        made, token = asked()
        shown = stranger.post(f"{RATINGS}/show", json={"token": token})
        assert shown.json()["data"] == {
            "tenant_name": "A",
            "tenant_slug": "a",
            "number": made["number"],
            "rating": None,
            "comment": None,
        }
        assert shown.headers["cache-control"] == "no-store"
        assert stranger.get(f"{RATINGS}?token={token}").status_code == 405
        for rating in (2, 5):
            said = stranger.post(RATINGS, json={"token": token, "rating": rating, "comment": "Well"})
            assert said.json()["data"]["rating"] == rating
        after = agent.get(f"{TICKETS}/{made['id']}").json()["data"]
        assert (after["satisfaction"], after["satisfaction_comment"]) == (5, "Well")
        stored = firm.sql("select count(*) from account_tokens where purpose = 'ticket_rating'")
        assert stored[0][0] >= 1
        assert firm.sql("select 1 from account_tokens where encode(hash, 'escape') = %s", token) == []

    def test_an_old_link_and_a_made_up_one_open_nothing(self, asked, stranger, agent, firm):
        made, token = asked()
        assert code(stranger.post(RATINGS, json={"token": "x" * 43, "rating": 5})) == (
            404,
            "RATING_LINK_NOT_FOUND",
        )
        act(agent, made, "reopen")
        assert code(stranger.post(RATINGS, json={"token": token, "rating": 5})) == (409, "NOT_DONE_YET")
        _, newer = asked(made)
        assert stranger.post(f"{RATINGS}/show", json={"token": token}).status_code in (404, 410)
        firm.sql("update account_tokens set expires_at = now() where purpose = 'ticket_rating'")
        assert code(stranger.post(RATINGS, json={"token": newer, "rating": 5})) == (410, "RATING_LINK_OVER")
        assert agent.get(f"{TICKETS}/{made['id']}").json()["data"]["satisfaction"] is None

    def test_a_ticket_that_is_gone_is_not_rated(self, asked, stranger, agent):
        made, token = asked()
        agent.delete(f"{TICKETS}/{made['id']}")
        assert stranger.post(RATINGS, json={"token": token, "rating": 5}).status_code == 410

    def test_a_firm_that_stands_still_takes_nothing(self, asked, stranger, firm):
        _, token = asked()
        with firm.standing_still():
            assert stranger.post(RATINGS, json={"token": token, "rating": 5}).status_code == 403

    def test_nobody_is_asked_who_has_no_address(self, agent, ticket, customer):
        without = ticket(account_id=customer()["account_id"])
        silent = ticket(**customer("Cem", email=None))
        for made in (without, silent):
            answer = act(agent, made, "resolve", resolution="Done", ask_rating=True)
            assert wrong(answer) == ["ask_rating"]
            assert agent.get(f"{TICKETS}/{made['id']}").json()["data"]["status"] == "open"
