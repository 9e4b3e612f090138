"""Mails in a tenant's look, as a mail server gets them."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image

from tests.serve.mails.conftest import MAIL
from tests.serve.platform.smtp_listener import Listener

CUSTOM = "/api/v1/b2b/white-label/customization"
HOSTILE = '<script>alert(1)</script> & https://example.org/a?b=1&c=%22, "quoted"\n\nSecond <b>part</b>'


@pytest.fixture
def logo_id(firm) -> str:
    picture = BytesIO()
    Image.new("RGB", (300, 100), "#0f5c4d").save(picture, "PNG")
    made = firm.client().post("/api/v1/files", files={"file": ("logo.png", picture.getvalue(), "image/png")})
    return made.json()["data"]["id"]


@pytest.fixture
def dress(firm):
    def put(**branding: object) -> None:
        body = {"branding": {"product_name": "Harbour", "light": {"accent": "#0f5c4d"}} | branding}
        answer = firm.client().post(CUSTOM, json=body)
        assert answer.status_code == 200, answer.text

    yield put
    firm.sql("delete from brand_versions")


@pytest.fixture
def arrived(set_up, queue, deliver):
    """Sends a mail and gives it as the server has it."""

    def send(**values: object):
        with Listener() as server:
            set_up(server)
            assert deliver(queue(**values))["state"] == "sent"
        [message] = server.arrived
        return message

    return send


def part(message, kind: str) -> str:
    return message.get_body((kind,)).get_content().replace("\r\n", "\n")


def test_a_text_gets_a_face_and_a_foot(dress, arrived, logo_id):
    dress(logo_id=logo_id, legal_lines=["Harbour GmbH"], support_address="help@harbour.example")
    message = arrived()
    assert part(message, "plain") == "Pick it up.\n\n-- \nHarbour GmbH\nHelp: help@harbour.example\n"
    html = part(message, "html")
    assert 'alt="Harbour"' in html
    assert "border-top:4px solid #0f5c4d" in html
    [picture] = [each for each in message.walk() if each.get_content_type() == "image/png"]
    assert picture["Content-ID"] == "<logo@throughline>"
    assert Image.open(BytesIO(picture.get_content())).size == (300, 100)
    assert "cid:logo@throughline" in html
    # Nothing is fetched from anywhere, and no style stands apart from what it is for.
    assert not any(
        word in html for word in ("http:", "https:", "data:", "<style", "<link", "<script", "url(")
    )


def test_nothing_of_a_text_is_markup(dress, arrived):
    dress()
    html = part(arrived(text=HOSTILE, subject="</title><script>"), "html")
    assert "<script" not in html
    assert "<b>part" not in html
    assert '<a href="https://example.org/a?b=1&amp;c=%22"' in html


def test_without_a_look_it_is_as_it_was(arrived):
    message = arrived()
    assert not message.is_multipart()
    assert part(message, "plain") == "Pick it up.\n"


def test_html_of_ones_own_stays_as_it_is(dress, arrived, logo_id):
    dress(logo_id=logo_id, legal_lines=["Harbour GmbH"])
    message = arrived(html="<p>Mine</p>")
    assert (part(message, "html"), part(message, "plain")) == ("<p>Mine</p>\n", "Pick it up.\n")


def test_a_logo_that_is_gone_is_left_out(firm, dress, queue, set_up, deliver, logo_id):
    dress(logo_id=logo_id)
    with Listener() as server:
        set_up(server)
        mail = queue()
        assert firm.client().delete(f"/api/v1/files/{logo_id}").status_code == 200
        assert deliver(mail)["state"] == "sent"
    assert [each.get_content_type() for each in server.arrived[0].walk()][-1] == "text/html"


def test_a_mail_says_what_the_look_was_when_it_was_written(firm, dress, queue, set_up, deliver):
    dress(legal_lines=["Before"])
    with Listener() as server:
        set_up(server)
        mail = queue()
        dress(legal_lines=["After"])
        deliver(mail)
    assert "Before" in part(server.arrived[0], "html")
    [(_, _, after)] = [each for each in firm.events(mail["id"]) if each[0] == "mail.created"]
    assert not {"html", "text", "logo_id"} & after.keys()


def test_each_tenant_has_its_own(firm, dress):
    dress(legal_lines=["Harbour GmbH"])
    for tenant in (firm.b, firm.umbrella):
        made = firm.client("agent", tenant).post("/api/v1/mails", json=MAIL)
        assert (made.json()["data"]["text"], made.json()["data"]["html"]) == (MAIL["text"], None)
