"""Settings change what the service does, for the company or for one person, and outlast a restart."""

from __future__ import annotations

from dataclasses import replace

from tests.serve.firm import VAN
from tests.serve.platform.smtp_listener import Listener

GROUP = "settings"


def test_a_company_settles_in(office):
    owner, agent, viewer = (office.person(role) for role in ("owner", "agent", "viewer"))

    # Clutch: all of them; who may not change the company's is told which permission is missing.
    everything = owner("GET /api/v1/settings")
    assert {
        "general",
        "email",
        "security",
        "notifications",
        "preferences",
    } <= everything.data.keys()
    refused = agent("PUT /api/v1/settings", {"general": {"timezone": "Asia/Tokyo"}}, refused=403)
    assert "settings:write" in refused.error["message"]
    several = {"general": {"timezone": "Europe/Lisbon"}, "email": {"from_name": "Firm A"}}
    owner("PUT /api/v1/settings", several, if_match=everything.etag)
    owner("PUT /api/v1/settings", several, if_match=everything.etag, refused=412)
    assert owner("GET /api/v1/settings/email").data["from_name"] == "Firm A"
    assert office.person("owner", tenant="b")("GET /api/v1/settings/email").data["from_name"] is None
    assert owner("GET /api/v1/settings/{category}", category="general").data["timezone"] == "Europe/Lisbon"
    assert agent("GET /api/v1/auth/me").data["tenant"]["timezone"] == "Europe/Lisbon"

    # Djobea: a category by its name. Passwords must be longer now, and they have to be.
    owner("PUT /api/settings/{category}", {"passwordMinLength": 20}, category="security")
    assert owner("GET /api/settings", category="security").data["security"]["password_min_length"] == 20
    short = {"password": "fifteen letters", "current_password": agent.password}
    assert agent("PUT /api/v1/auth/me", short, refused=422).error["details"][0]["field"] == "password"

    # Voice CRM: the company and oneself in one; a member changes only the own half.
    agent("PATCH /api/account/settings", {"preferences": {"language": "de"}})
    agent("PATCH /api/account/settings", {"general": {"locale": "de"}}, refused=403)
    account = agent("GET /api/account/settings").data
    assert (account["preferences"]["language"], account["general"]["timezone"]) == ("de", "Europe/Lisbon")
    assert viewer("GET /api/account/settings").data["preferences"]["language"] == "en"

    # FlipTech: one's own preferences.
    mine = agent("GET /api/v1/settings/preferences")
    assert mine.data["language"] == "de"
    agent("PUT /api/v1/settings/preferences", {"theme": "dark"}, if_match=mine.etag)
    agent("PUT /api/v1/settings/preferences", {"theme": "light"}, if_match=mine.etag, refused=412)
    wrong = agent("PUT /api/v1/settings/preferences", {"theme": "pink"}, refused=422)
    assert wrong.error["details"][0]["field"] == "theme"

    office.restart()
    assert agent("GET /api/v1/settings/preferences").data["theme"] == "dark"
    log = owner("GET /api/audit", name="settings.security_changed").data
    assert [entry["actor_id"] for entry in log] == [owner.id]


def test_who_wants_to_hear_of_what(office):
    owner, mechanic = office.person("owner"), office.person("technician")
    assert mechanic("GET /api/settings/notifications").data["is_on"]
    mechanic("PUT /api/settings/notifications", {"isOn": False})
    owner("POST /api/v1/vehicles", VAN)
    office.catch_up()
    assert mechanic("GET /api/notifications").data == []
    mechanic("PUT /api/v1/settings/notifications", {"is_on": None, "muted_kinds": ["account"]})
    assert mechanic("GET /api/v1/settings/notifications").data["is_on"]
    owner("POST /api/v1/vehicles", VAN | {"registration": "HB-R 2"})
    office.catch_up()
    assert [note["title"] for note in mechanic("GET /api/notifications").data] == ["Vehicle HB-R 2 was added"]


def test_the_companys_own_mail(office):
    owner, viewer = office.person("owner"), office.person("viewer")
    with Listener(accounts={"mailer": "of the mail server"}) as server:
        email = {
            "smtp_host": "localhost",
            "smtp_port": server.port,
            "security": server.security,
            "username": "mailer",
            "password": "of the mail server",
            "from_address": "office@a.example",
        }
        shown = owner("PUT /api/v1/settings/email", email).data
        assert shown["password_is_set"]
        assert "of the mail server" not in owner("GET /api/v1/settings/email").response.text
        viewer("POST /api/v1/settings/email/test", refused=403)

        office.restart()  # what was kept encrypted can still be read
        state = office.running.app.state
        state.mail = replace(state.mail, private_hosts=True)  # the listener is on this machine
        sent = owner("POST /api/v1/settings/email/test").data
    assert (sent["transport"], sent["to"]) == ("smtp", owner.email)
    [mail] = server.mails
    assert (mail.sender, mail.login) == ("office@a.example", "mailer")
