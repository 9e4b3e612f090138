"""Texts with places: which places there are, and what becomes of them."""

from __future__ import annotations

from itertools import count

import pytest

from serve.crm.tickets.canned import filled, places_of
from serve.kernel.errors import Invalid
from tests.serve.crm.tickets.test_tickets import wrong

CANNED = "/api/v1/canned-replies"
NUMBERS = count(1)


@pytest.fixture
def canned(agent):
    """``canned("Dear {{contact.full_name}}")``: a text that is kept."""

    def make(body: str):
        made = agent.post(CANNED, json={"shortcut": f"text-{next(NUMBERS)}", "title": "Text", "body": body})
        assert made.status_code == 201, made.text
        return made.json()["data"]

    return make


def test_it_is_filled_in_for_a_ticket(agent, ticket, canned):
    made = ticket(subject="{{agent.full_name}} is no place here")
    text = canned("Dear {{contact.full_name}} of {{ account.name }}: {{ticket.subject}} ({{ticket.number}})")
    answer = agent.get(f"{CANNED}/{text['id']}/render", params={"ticket_id": made["id"]})
    assert answer.json()["data"]["body"] == (
        f"Dear Ada Byron of Firm of Ada Byron: {{{{agent.full_name}}}} is no place here ({made['number']})"
    )
    signed = canned("Yours, {{agent.full_name}}, {{company.name}}")
    answer = agent.get(f"{CANNED}/{signed['id']}/render", params={"ticket_id": made["id"]})
    assert answer.json()["data"]["body"] == "Yours, Agent of A, A"


def test_what_a_ticket_lacks_is_named(agent, ticket, customer, canned, firm):
    lonely = ticket(account_id=customer()["account_id"])
    text = canned("Dear {{contact.full_name}}")
    answer = agent.get(f"{CANNED}/{text['id']}/render", params={"ticket_id": lonely["id"]})
    assert wrong(answer) == ["ticket_id"]
    assert "contact.full_name" in answer.text
    theirs = firm.client("owner", firm.b)
    assert theirs.get(f"{CANNED}/{text['id']}/render", params={"ticket_id": lonely["id"]}).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        "Dear {{contact.name}}",
        "Dear {{contact.full_name}",
        "Dear {{",
        "{{ticket.number}} }}",
        "{{}}",
        "{{{{a}}}}",
    ],
)
def test_a_place_that_there_is_not_is_refused(agent, canned, body):
    said = {"shortcut": f"bad-{next(NUMBERS)}", "title": "Bad", "body": body}
    assert "body" in wrong(agent.post(CANNED, json=said))
    good = canned("Hello")
    assert "body" in wrong(agent.patch(f"{CANNED}/{good['id']}", json={"body": body}))


def test_shortcuts_are_unique(agent, canned):
    made = canned("Hello")
    twice = {"shortcut": made["shortcut"], "title": "Again", "body": "Hello"}
    assert wrong(agent.post(CANNED, json=twice), 409) == ["shortcut"]


def test_values_are_never_read_as_places():
    body = "{{contact.full_name}} {{account.name}}"
    values = {"contact.full_name": "{{account.name}}", "account.name": r"\1 {{x}}"}
    assert filled(body, values) == r"{{account.name}} \1 {{x}}"
    assert places_of(body) == ["contact.full_name", "account.name"]
    with pytest.raises(Invalid):
        filled(body, {"contact.full_name": "", "account.name": "x"})
