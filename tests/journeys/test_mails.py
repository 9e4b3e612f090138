"""A mail to a customer gets lost on the way, and nobody is told a lie about it."""

from __future__ import annotations

from dataclasses import replace

from tests.serve.platform.smtp_listener import Listener

MAIL = {
    "toAddress": "ada@example.org",
    "toName": "Ada Byron",
    "subject": "Your van is ready",
    "text": "Pick it up until 18:00.\n",
}


def test_the_server_takes_a_mail_and_does_not_say_so(office):
    owner, agent, viewer = (office.person(role) for role in ("owner", "agent", "viewer"))
    state = office.running.app.state
    state.mail = replace(state.mail, private_hosts=True, timeout_s=2.0)  # the listener is on this machine

    with Listener(dies_at="CONTENT") as server:
        email = {"smtp_host": "127.0.0.1", "smtp_port": server.port, "security": "none"}
        owner("PUT /api/v1/settings/email", email | {"from_address": "office@a.example"})
        viewer("POST /api/v1/mails", MAIL, refused=403)
        mail = agent("POST /api/v1/mails", MAIL).data
        assert mail["state"] == "queued"

        office.firm.work()
        assert agent("GET /api/v1/mails/{id}", id=mail["id"]).data["state"] == "uncertain"
        office.catch_up()
        note = agent("GET /api/notifications", kind="mail").data[0]
        assert (note["entity_type"], note["entity_id"]) == ("mail", mail["id"])

        # The customer says on the phone that nothing has come: once more, and this time it is taken.
        server.dies_at = None
        assert agent("POST /api/v1/mails/{id}/resend", id=mail["id"]).data["state"] == "queued"
        office.firm.work()
        sent = agent("GET /api/v1/mails/{id}", id=mail["id"]).data
        assert (sent["state"], sent["error"]) == ("sent", None)
        agent("POST /api/v1/mails/{id}/resend", id=mail["id"], refused=409)

    # If the first one comes too, the customer's program sees that it is the same.
    assert [each["Message-ID"] for each in server.arrived] == [mail["message_id"]] * 2
    names = [event["name"] for event in agent("GET /api/v1/mails/{id}/history", id=mail["id"]).data]
    assert names[::-1] == [
        *("mail.created", "mail.sending", "mail.uncertain", "mail.resent", "mail.sending", "mail.sent")
    ]
    listed = agent("GET /api/v1/mails", state="sent", search="ada").data
    assert [each["id"] for each in listed] == [mail["id"]]


def test_without_a_mail_server_it_can_be_read_on_this_machine(office):
    agent = office.person("agent", tenant="b")
    mail = agent("POST /api/v1/mails", MAIL).data
    office.firm.work()
    shown = agent("GET /api/v1/mails/{id}", id=mail["id"]).data
    assert (shown["state"], shown["transport"], shown["text"]) == ("sent", "outbox", MAIL["text"])
    folder = office.running.app.state.mail.outbox.folder
    assert [each for each in folder.glob("*.eml") if mail["id"] in each.name]
