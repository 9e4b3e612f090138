"""The background sends what is queued: the task and the mail are one transaction, and the mail's row decides."""

from __future__ import annotations

import pytest

from tests.serve.mails.conftest import MAIL, MAILS
from tests.serve.mails.faults import LATER, LONG_AGO, state_of
from tests.serve.platform.smtp_listener import Listener


@pytest.fixture(autouse=True)
def nothing_else(firm):
    firm.sql("update tasks set status = 'cancelled' where status in ('queued', 'running', 'paused')")


def tasks_of(firm, mail) -> list[tuple[str, str]]:
    return firm.sql(
        "select status, result ->> 'state' from tasks where entity_id = %s order by id", mail["id"]
    )


def test_a_queued_mail_is_sent(firm, set_up, queue):
    with Listener() as listener:
        set_up(listener)
        mail = queue()
        assert firm.work() == 1
        assert firm.work() == 0
    assert len(listener.mails) == 1
    assert state_of(firm, mail) == "sent"
    assert tasks_of(firm, mail) == [("succeeded", "sent")]
    task = firm.client().get(f"/api/v1/tasks/{mail['task_id']}").json()["data"]
    assert (task["entity_type"], task["entity_id"]) == ("mail", mail["id"])
    assert "ada@" not in str(task).lower()  # an id may have these letters in it


def test_what_is_not_committed_has_no_work(firm):
    before = firm.sql("select count(*) from tasks")
    assert firm.client().post(MAILS, json=MAIL | {"external_id": "m-1"}).status_code == 201
    assert firm.client().post(MAILS, json=MAIL | {"external_id": "m-1"}).status_code == 409
    assert firm.sql("select count(*) - %s from tasks", before[0][0]) == [(1,)]


def test_it_is_tried_again_when_its_time_has_come(firm, set_up, queue):
    with Listener(answers={"RCPT": "451 not now"}) as listener:
        set_up(listener)
        mail = queue()
        assert firm.work() == 1
        listener.answers.clear()
        assert firm.work() == 0, "before its time"
        assert tasks_of(firm, mail) == [("succeeded", "queued"), ("queued", None)]
        firm.sql(LATER, mail["id"])
        assert firm.work(waits_too=True) == 1
    assert state_of(firm, mail) == "sent"
    assert len(listener.arrived) == 1


def test_a_person_need_not_wait_for_that(firm, set_up, queue):
    with Listener(answers={"RCPT": "451 not now"}) as listener:
        set_up(listener)
        mail = queue()
        firm.work()
        listener.answers.clear()
        assert firm.client("agent").post(f"{MAILS}/{mail['id']}/resend").status_code == 200
        firm.work()
        assert state_of(firm, mail) == "sent"
        firm.work(waits_too=True)
    assert len(listener.arrived) == 1, "the work that waited has found it sent"


def test_work_that_finds_it_being_sent_comes_back(firm, set_up, queue):
    """The process that has begun it may be alive; once it cannot be, the mail is of unknown fate."""
    with Listener() as listener:
        set_up(listener)
        mail = queue()
        firm.sql("update mails set state = 'sending', sending_since = now() where id = %s", mail["id"])
        assert firm.work() == 1
        [(status, _)] = tasks_of(firm, mail)
        assert (status, state_of(firm, mail)) == ("queued", "sending")
        firm.sql(LONG_AGO, mail["id"])
        firm.work(waits_too=True)
    assert (state_of(firm, mail), tasks_of(firm, mail)) == ("uncertain", [("succeeded", "uncertain")])
    assert listener.arrived == []


def test_a_cancelled_mail_is_not_sent(firm, set_up, queue):
    with Listener() as listener:
        set_up(listener)
        mail = queue()
        firm.client("agent").post(f"{MAILS}/{mail['id']}/cancel")
        firm.work()
    assert (listener.arrived, tasks_of(firm, mail)) == ([], [("succeeded", "cancelled")])


@pytest.mark.parametrize(
    ("how", "title"),
    [
        ({"dies_at": "CONTENT"}, "Nobody knows whether a mail was sent: send it again, or say that it was"),
        ({"answers": {"RCPT": "550 no"}}, "A mail could not be sent"),
    ],
)
def test_who_can_decide_is_told(firm, set_up, queue, how, title):
    """Also the one who wrote it: the bad end is nobody's own deed."""
    with Listener(**how) as listener:
        set_up(listener)
        mail = queue()
        firm.work()
    firm.deliver()
    told = firm.sql(
        "select u.email from notifications n join users u on u.id = n.user_id"
        " where n.entity_id = %s and n.title = %s order by 1",
        *(mail["id"], title),
    )
    assert told == [(f"{role}@a.example",) for role in ("admin", "agent", "manager", "owner")]
