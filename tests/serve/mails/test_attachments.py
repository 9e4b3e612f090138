"""What goes with a mail: named in its row, the same bytes at each attempt, and never left out."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from uuid import UUID, uuid4

import pytest

from serve.kernel.errors import Invalid
from serve.platform.files.service import files
from serve.platform.mails import attachments
from serve.platform.mails.attachments import Attachment, file_attached, stored
from serve.platform.mails.service import queue_mail
from tests.serve.mails.conftest import MAIL, MAILS, caller_of, events_of
from tests.serve.platform.smtp_listener import Listener

FILES = "/api/v1/files"
TEXT = "Minutes of the meeting.\n.\nFrom here on: äöü\n".encode()


@pytest.fixture
def file_id(firm) -> str:
    made = firm.client("agent").post(FILES, files={"file": ("Sitzung äö.txt", TEXT, "text/plain")})
    assert made.status_code == 201, made.text
    return made.json()["data"]["id"]


@pytest.fixture
def with_file(firm) -> Callable[..., dict]:
    """Queues a mail that a file goes with."""

    def queue(*file_ids: str, **values: object) -> dict:
        state = firm.running.app.state

        async def do() -> dict:
            async with state.database.transaction(caller_of(firm)) as db:
                attached = [await file_attached(db, UUID(each)) for each in file_ids]
                return dict(await queue_mail(db, state.mail, MAIL | values, attached))

        return firm.running.wait_for(do())

    return queue


def parts(message) -> list[tuple[str, str | None]]:
    return [(each.get_content_type(), each.get_filename()) for each in message.iter_attachments()]


def test_it_arrives_as_it_was_sent(firm, set_up, with_file, file_id, deliver):
    with Listener() as server:
        set_up(server)
        mail = with_file(file_id, html="<p>Pick it up.</p>")
        assert deliver(mail)["state"] == "sent"
    [message] = server.arrived
    assert message.get_content_type() == "multipart/mixed"
    assert message.get_body(("plain",)).get_content().strip() == "Pick it up."
    assert message.get_body(("html",)).get_content().strip() == "<p>Pick it up.</p>"
    assert parts(message) == [("text/plain", "Sitzung äö.txt")]
    [attached] = message.iter_attachments()
    assert attached.get_payload(decode=True) == TEXT


def test_whoever_reads_the_mail_sees_what_went_with_it(firm, with_file, file_id):
    mail = with_file(file_id)
    [shown] = firm.client().get(f"{MAILS}/{mail['id']}").json()["data"]["attachments"]
    assert shown == {
        "kind": "file",
        "id": file_id,
        "name": "Sitzung äö.txt",
        "media_type": "text/plain",
        "size_bytes": len(TEXT),
        "sha256": sha256(TEXT).hexdigest(),
    }
    assert not any("attachments" in (after or {}) for _, _, after in firm.events(mail["id"]))
    assert firm.client(tenant=firm.b).get(f"{MAILS}/{mail['id']}").status_code == 404


def test_the_next_attempt_sends_the_same_bytes(firm, set_up, with_file, file_id, deliver):
    with Listener(answers={"CONTENT": "451 not now"}) as server:
        set_up(server)
        mail = with_file(file_id)
        assert deliver(mail)["state"] == "queued"
        server.answers.clear()
        firm.sql("update mails set not_before = null where id = %s", mail["id"])
        assert deliver(mail)["state"] == "sent"
    first, second = server.arrived
    assert first.as_bytes() == second.as_bytes()
    assert parts(second) == [("text/plain", "Sitzung äö.txt")]


def test_without_it_the_mail_is_not_sent(firm, set_up, with_file, file_id, deliver):
    with Listener() as server:
        set_up(server)
        mail = with_file(file_id)
        assert firm.client().delete(f"{FILES}/{file_id}").status_code == 200
        failed = deliver(mail)
    assert server.arrived == []
    assert (failed["state"], failed["error"]) == ("failed", "the attachment Sitzung äö.txt is gone")
    assert events_of(firm, mail) == ["mail.created", "mail.failed"]


def test_once_it_is_back_a_person_sends_it_again(firm, set_up, with_file, file_id, deliver):
    with Listener() as server:
        set_up(server)
        mail = with_file(file_id)
        firm.client().delete(f"{FILES}/{file_id}")
        deliver(mail)
        assert firm.client().post(f"{FILES}/{file_id}/restore").status_code == 200
        assert firm.client().post(f"{MAILS}/{mail['id']}/resend").status_code == 200
        assert deliver(mail)["state"] == "sent"
    assert len(server.arrived) == 1


@pytest.mark.parametrize("content", [b"other bytes", None])
def test_what_lies_there_must_be_what_was_to_be_sent(firm, set_up, with_file, file_id, deliver, content):
    storage = firm.running.app.state.files.storage
    with Listener() as server:
        set_up(server)
        mail = with_file(file_id)
        storage.remove(firm.a, UUID(file_id))
        if content is not None:
            aside = storage.aside()
            aside.write(content)
            aside.finish()
            storage.keep(aside, firm.a, UUID(file_id))
        failed = deliver(mail)
    assert server.arrived == []
    assert failed["error"].startswith("the attachment Sitzung äö.txt is "), failed["error"]


def test_what_is_not_there_goes_with_no_mail(firm, with_file, file_id):
    theirs = firm.client(tenant=firm.b).post(FILES, files={"file": ("x.txt", TEXT, "text/plain")})
    assert firm.client().delete(f"{FILES}/{file_id}").is_success
    for each in (theirs.json()["data"]["id"], file_id, str(uuid4())):
        with pytest.raises(files.NotFound):
            with_file(each)


def test_a_mail_carries_so_much_and_no_more():
    def file(size_bytes: int) -> Attachment:
        return Attachment("file", uuid4(), "x.pdf", "application/pdf", size_bytes, "")

    assert len(stored([file(attachments.MOST_BYTES // 2)] * 2)) == 2
    for too_much in ([file(attachments.MOST_BYTES), file(1)], [file(1)] * (attachments.MOST_ATTACHMENTS + 1)):
        with pytest.raises(Invalid) as refused:
            stored(too_much)
        assert refused.value.details[0][0] == "attachments"
