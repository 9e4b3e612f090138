"""A company that works for others gives one of them its own face: page, mail and paper, and back again."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

from PIL import Image

from tests.serve.platform.smtp_listener import Listener

GROUP = "branding"
CUSTOMIZE = "POST /api/v1/b2b/white-label/customization"
VERSIONS = f"{CUSTOMIZE}/versions/{{number}}"
NOW = CUSTOMIZE.replace("POST", "GET")
LOOK = {
    "clientId": "a",
    "branding": {
        "productName": "Harbour Desk",
        "light": {"accent": "#0f5c4d"},
        "supportAddress": "help@harbour.example",
        "legalLines": ["Harbour GmbH, Bremen"],
    },
    "customization": {"radiusPx": 2, "customCss": ".panel { border-width: 2px }"},
    "features": ["night-shifts"],
}
MAIL = {"to_address": "ada@example.org", "subject": "Your van is ready", "text": "Until 18:00.\n"}


def test_a_client_gets_a_face_of_its_own(office):
    above, owner, agent = office.person("admin", "umbrella"), office.person("owner"), office.person("agent")
    stranger = office.stranger()

    # First try: a colour that nobody could read, and a script.
    pale = LOOK | {"branding": {"light": {"accent": "#9be8d8"}}}
    assert above(CUSTOMIZE, pale, refused=422).error["code"] == "CONTRAST_TOO_LOW"
    script = LOOK | {"customization": {"customJs": "alert(1)"}}
    assert above(CUSTOMIZE, script, refused=422).error["code"] == "SCRIPT_REFUSED"

    # The client has sent its logo; the draft is looked at as page, mail and paper, and nobody else sees it.
    picture = BytesIO()
    Image.new("RGB", (300, 100), "#0f5c4d").save(picture, "PNG")
    sent = {"file": ("logo.png", picture.getvalue(), "image/png")}
    LOOK["branding"]["logoId"] = owner("POST /api/v1/files/upload-logo", files=sent).data["id"]
    draft = above(CUSTOMIZE, LOOK | {"publish": False, "note": "First draft"})
    assert (draft.data["version"], draft.data["newest_version"]) == (None, 1)
    page, mail, paper = (
        above(f"{CUSTOMIZE}/preview", LOOK, **{"as": kind}).response for kind in ("page", "mail", "pdf")
    )
    assert "--accent: #0f5c4d" in page.text
    assert "Harbour GmbH, Bremen" in mail.text
    assert paper.content.startswith(b"%PDF-")
    assert b"<rdf:li>Harbour Desk</rdf:li>" in paper.content  # who it says it is by
    look = stranger("GET /api/v1/b2b/white-label/{slug}", slug="a").data
    assert look["product_name"] == "Throughline"

    # Published: everybody sees it, people have the feature, a mail goes out in it.
    above(f"{VERSIONS}/publish", number=1, client_id="a", if_match=draft.etag)
    above(f"{VERSIONS}/publish", number=1, client_id="a", if_match=draft.etag, refused=412)
    look = stranger("GET /api/v1/b2b/white-label/{slug}", slug="a").data
    assert (look["product_name"], look["support_address"]) == ("Harbour Desk", "help@harbour.example")
    for url, begins in ((look["stylesheet_url"], b":root"), (look["logo_url"], b"\x89PNG")):
        assert stranger(f"GET {url}").response.content.startswith(begins)
    assert agent(NOW).data["features"] == ["night-shifts"]
    asked = {"keys": ["night-shifts"]}
    assert agent("POST /api/v1/feature-flags/evaluate", asked).data[0]["value"] is True

    state = office.running.app.state
    state.mail = replace(state.mail, private_hosts=True)  # the listener is on this machine
    with Listener() as server:
        email = {"smtp_host": "127.0.0.1", "smtp_port": server.port, "security": "none"}
        owner("PUT /api/v1/settings/email", email | {"from_address": "office@a.example"})
        agent("POST /api/v1/mails", MAIL)
        office.firm.work()
    [arrived] = server.arrived
    assert arrived.get_body(("plain",)).get_content().replace("\r\n", "\n") == (
        "Until 18:00.\n\n-- \nHarbour GmbH, Bremen\nHelp: help@harbour.example\n"
    )
    assert 'src="cid:logo@throughline"' in arrived.get_body(("html",)).get_content()
    assert [part.get_content_type() for part in arrived.walk()][-1] == "image/png"

    # A second look that nobody likes, and the first one again; the people of the client are told.
    above(CUSTOMIZE, LOOK | {"branding": {"product_name": "Harbour 2"}, "features": []})
    assert agent(NOW).data["features"] == []
    back = above(f"{VERSIONS}/rollback", {"client_id": "a"}, number=1).data
    assert (back["version"], back["branding"]["product_name"]) == (3, "Harbour Desk")
    assert agent(NOW).data["features"] == ["night-shifts"]
    numbers = [each["number"] for each in owner(NOW + "/versions").data]
    assert numbers == [3, 2, 1]
    assert owner(NOW + "/versions/{number}", number=3).data["restored_from"] == 1
    office.catch_up()
    told = {note["title"] for note in owner("GET /api/notifications", kind="settings").data}
    assert told == {"A new look was published"}

    # Who may not, may not; in the end the client looks like everybody else.
    agent(CUSTOMIZE, LOOK, refused=403)
    office.person("owner", "b")(CUSTOMIZE, LOOK, refused=404)
    owner(CUSTOMIZE.replace("POST", "DELETE"))
    assert stranger("GET /api/v1/b2b/white-label/{slug}", slug="a").data["product_name"] == "Throughline"
