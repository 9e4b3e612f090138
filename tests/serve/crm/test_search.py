"""One search: words, beginnings, slips and numbers, over all that somebody may see and nothing else."""

from __future__ import annotations

from uuid import uuid4

import pytest

from serve.crm.search import notes
from serve.crm.search.rules import GOOD, likely, otherwise, rank, slips, words_of
from serve.crm.search.targets import TARGETS
from serve.kernel.permissions import ROLES
from tests.serve.crm.conftest import BOILER, QUOTES

SEARCH = "/api/v1/search"
LONG_WORDS = " ".join(letter * 30 for letter in "абвгде")


@pytest.fixture(scope="module")
def rows(firm):
    """Something of most kinds, and the ids by name."""
    client = firm.client("owner")

    def make(path: str, **fields: object) -> str:
        made = client.post(f"/api/v1/{path}", json=fields)
        assert made.status_code == 201, made.text
        return made.json()["data"]["id"]

    account = make("accounts", name="Sonnenschein Energietechnik GmbH", city="Kassel", country="DE")
    contact = make(
        "contacts",
        full_name="Zacharias Müller",
        email="zacharias.mueller@example.org",
        phone="+49 561 7701234",
        account_id=account,
    )
    lead = make("leads", full_name="Wilhelmine Krause", company="Quittenhof Obstbau", city="Witzenhausen")
    quote = client.post(
        QUOTES, json={"account_id": account, "title": "Quasikristall", "lines": [BOILER]}
    ).json()["data"]
    return {
        "account": account,
        "contact": contact,
        "lead": lead,
        "quote": quote["id"],
        "number": quote["number"],
    }


@pytest.fixture
def find(firm, rows):
    """``find("words")``: kinds and ids, and what is said of the answer."""

    def found(q: str, role: str = "owner", tenant=None, **params: object):
        answer = firm.client(role, tenant).get(SEARCH, params={"q": q, **params})
        assert answer.status_code == 200, answer.text
        body = answer.json()
        return [(hit["kind"], hit["id"]) for hit in body["data"]], body["meta"], body["data"]

    return found


class TestFinding:
    @pytest.mark.parametrize(
        ("question", "kind", "is_corrected"),
        [
            ("Zacharias", "contact", False),
            ("müller zach", "contact", False),
            ("zacharias.mueller@example.org", "contact", False),
            ("Zahcarias", "contact", True),  # two in the wrong order
            ("zachrias muller", "contact", True),  # one is missing, one has no dots
            ("Willhelmine", "lead", True),
            ("quittenhof krausse", "lead", True),
            ("sonnenshcien energietechnik", "account", True),
            ("Energietecknick", "account", True),  # two slips in a long word
            ("0561 / 77 01 234", "contact", False),
            ("+49 561 7701234", "contact", False),
            ("quasikristall", "quote", False),
        ],
    )
    def test_what_was_meant_comes_first(self, find, rows, question, kind, is_corrected):
        hits, meta, _ = find(question)
        assert hits
        assert hits[0] == (kind, rows[kind])
        assert meta["is_corrected"] is is_corrected

    def test_a_paper_is_found_by_its_number(self, find, rows):
        hits, _, shown = find(rows["number"])
        assert hits[0] == ("quote", rows["quote"])
        assert shown[0]["title"] == rows["number"]
        assert shown[0]["href"] == f"{QUOTES}/{rows['quote']}"

    def test_an_invoice_is_found_by_its_number(self, firm, find, offer, send):
        client = firm.client("owner")
        quote = offer(deposit_basis_points=2_000)
        send(quote)
        assert client.post(f"{QUOTES}/{quote['id']}/accept", json={"name": "Ada Byron"}).is_success
        assert client.post(f"{QUOTES}/{quote['id']}/convert", json={}).is_success
        asked = {"account_id": quote["account_id"]}
        [invoice] = client.get("/api/v1/invoices", params=asked).json()["data"]
        hits, _, shown = find(invoice["number"])
        assert hits[0] == ("invoice", invoice["id"])
        assert shown[0]["title"] == invoice["number"]
        assert client.get(shown[0]["href"]).json()["data"]["id"] == invoice["id"]
        assert find(invoice["number"], role="technician")[0] == []
        assert find(invoice["number"], tenant=firm.b)[0] == []

    def test_a_ticket_is_found_by_its_number(self, firm, find, rows):
        asked = {"subject": "Heizung kalt", "account_id": rows["account"]}
        made = firm.client("owner").post("/api/v1/tickets", json=asked).json()["data"]
        assert ("ticket", made["id"]) in find(str(made["number"]), kinds="ticket")[0]
        assert find(f"{made['number']} heizng")[0][0] == ("ticket", made["id"])

    def test_slips_are_of_words_of_ones_own_tenant(self, firm, find):
        firm.client("owner", firm.b).post("/api/v1/leads", json={"full_name": "Rosenquarz Nebel"})
        assert find("rosenqaurz", tenant=firm.b)[1]["is_corrected"] is True
        assert find("rosenqaurz") == ([], {**find("rosenqaurz")[1], "is_corrected": False}, [])
        assert find("rosenqaurz", tenant=firm.umbrella)[0] == find("rosenquarz", tenant=firm.umbrella)[0]

    def test_a_name_goes_before_what_only_mentions_it(self, firm, find):
        client, word = firm.client("owner"), "Trommelwirbel"
        mention = client.post("/api/v1/leads", json={"full_name": "Ben Ohm", "company": word}).json()["data"][
            "id"
        ]
        name = client.post("/api/v1/leads", json={"full_name": word}).json()["data"]["id"]
        client.patch(f"/api/v1/leads/{mention}", json={"city": "Kiel"})  # it is the newer one
        assert [each for _, each in find(word)[0]] == [name, mention]

    def test_what_is_not_there_is_not_found(self, find):
        assert find("xylophonkonzertmeister")[0] == []
        assert find(uuid4().hex)[0] == []

    def test_what_was_deleted_or_changed_is_gone(self, firm, find):
        client = firm.client("owner")
        lead = client.post("/api/v1/leads", json={"full_name": "Kurzzeitig Da"}).json()["data"]["id"]
        assert find("kurzzeitig")[0] == [("lead", lead)]
        client.patch(f"/api/v1/leads/{lead}", json={"full_name": "Anderer Name"})
        assert ("lead", lead) not in find("kurzzeitig")[0]
        client.delete(f"/api/v1/leads/{lead}")
        assert find("anderer name")[0] == []

    def test_only_of_some_kinds_and_only_so_many(self, firm, find, rows):
        client = firm.client("owner")
        for number in range(3):
            client.post("/api/v1/leads", json={"full_name": f"Vielfach {number}"})
        client.post("/api/v1/contacts", json={"full_name": "Vielfach Kontakt"})
        hits, meta, _ = find("vielfach", kinds="lead", limit=2)
        assert ([kind for kind, _ in hits], meta["has_more"], meta["kinds"]) == (["lead"] * 2, True, ["lead"])
        assert len(find("vielfach", kinds="lead,contact")[0]) == 4

    @pytest.mark.parametrize(
        ("params", "field"),
        [
            ({"q": "ada", "kinds": "unicorn"}, "kinds"),
            ({"q": "ada", "limit": 51}, "limit"),
            ({"q": "!?"}, "q"),
            ({"q": ""}, "q"),
            ({}, "q"),
            ({"q": "a\0b"}, "q"),
        ],
    )
    def test_what_cannot_be_asked_is_named(self, firm, params, field):
        answer = firm.client("owner").get(SEARCH, params=params)
        assert answer.status_code == 422
        assert answer.json()["error"]["details"][0]["field"].startswith(field)

    @pytest.mark.parametrize(
        "q", ["' | 'a':* & !b", "\\", "a' ) --", ":*", "a & | b", "😀 ada", "x" * 200, LONG_WORDS]
    )
    def test_signs_mean_nothing(self, firm, q):
        assert firm.client("owner").get(SEARCH, params={"q": q}).status_code in (200, 422)


class TestSeeing:
    def test_nothing_of_other_tenants(self, firm, find):
        assert find("zacharias", tenant=firm.b)[0] == []
        assert find("Zahcarias", tenant=firm.b)[0] == []
        assert find("0561 7701234", tenant=firm.b)[0] == []

    def test_an_umbrella_sees_its_children(self, firm, find, rows):
        assert ("contact", rows["contact"]) in find("zacharias", tenant=firm.umbrella)[0]

    def test_only_what_the_role_may_read(self, firm, find):
        hits, meta, _ = find("zacharias", role="technician")
        assert hits == []
        assert "contact" not in meta["kinds"]
        readable = {kind for kind, each in TARGETS.items() if each.resource.reading in ROLES["technician"]}
        assert set(meta["kinds"]) == readable | ({"note"} if notes.readable(ROLES["technician"]) else set())

    def test_notes_are_for_who_reads_what_they_are_on(self, firm, find, rows):
        client = firm.client("owner")

        def note(path: str, row_id: str, body: str) -> str:
            made = client.post(f"/api/v1/{path}/{row_id}/notes", json={"body": body})
            assert made.status_code == 201, made.text
            return made.json()["data"]["id"]

        long = "filler " * 300 + "wants Stachelbeermarmelade by June"
        on_lead, on_account = (
            note("leads", rows["lead"], long),
            note("accounts", rows["account"], "Stachelbeermarmelade too"),
        )
        on_contact = note("contacts", rows["contact"], "no Stachelbeermarmelade please")
        hits, meta, shown = find("stachelbeermarmelade")
        assert {*hits} == {("note", each) for each in (on_lead, on_account, on_contact)}
        assert "note" in meta["kinds"]
        [mine] = [hit for hit in shown if hit["id"] == on_lead]
        assert mine["title"] == "Wilhelmine Krause"
        assert "wants Stachelbeermarmelade by June" in mine["subtitle"]
        assert client.get(mine["href"]).json()["data"]["id"] == on_lead
        assert find("Stachelbeermarmelaed")[1]["is_corrected"] is True
        assert find("stachelbeermarmelade", kinds="lead")[0] == []

        # Somebody who reads leads alone, another tenant, and after the note or its row has gone.
        key = {"name": "Leads alone", "scopes": ["leads:read", "self:read"]}
        made = client.post("/api/v1/auth/api-keys", json=key).json()["data"]
        program = firm.running.client(Authorization=f"Bearer {made['key']}")
        seen = program.get(SEARCH, params={"q": "stachelbeermarmelade"})
        assert [hit["id"] for hit in seen.json()["data"]] == [on_lead]
        assert find("stachelbeermarmelade", role="technician")[0] == []
        assert find("stachelbeermarmelade", tenant=firm.b)[0] == []
        assert ("note", on_lead) in find("stachelbeermarmelade", tenant=firm.umbrella)[0]
        client.delete(f"/api/v1/contacts/{rows['contact']}/notes/{on_contact}")
        gone = client.post("/api/v1/leads", json={"full_name": "Soon Gone"}).json()["data"]["id"]
        on_gone = note("leads", gone, "Stachelbeermarmelade again")
        assert ("note", on_gone) in find("stachelbeermarmelade")[0]
        client.delete(f"/api/v1/leads/{gone}")
        assert {*find("stachelbeermarmelade")[0]} == {("note", on_lead), ("note", on_account)}

    def test_drafts_of_the_knowledge_base_are_for_nobody(self, firm, find):
        client = firm.client("owner")
        draft = {"title": "Geheimrezept", "body": "Noch nicht fertig.", "language": "de"}
        made = client.post("/api/v1/knowledge-base", json=draft).json()["data"]["id"]
        assert find("geheimrezept")[0] == []
        assert client.post(f"/api/v1/knowledge-base/{made}/publish", json={}).is_success
        assert find("geheimrezept")[0] == [("article", made)]


class TestRules:
    @pytest.mark.parametrize("word", ["krause", "müller", "quittenhof"])
    def test_every_slip_is_likely_and_alike(self, word):
        for slip in otherwise(word):
            if slip.isalpha() and len(slip) >= 4:
                assert word in otherwise(slip) or not otherwise(slip)
                assert rank([slip], word, []) >= GOOD

    def test_numbers_and_short_words_are_taken_as_they_are(self):
        assert otherwise("4711") == otherwise("ada") == otherwise("a1b2") == []
        assert likely(slips(["ada", "4711"]), {"'4712'"}) is None

    def test_only_what_is_in_use_is_asked_for(self):
        assert (
            likely(slips(["krausse", "ada"]), {"'krause'", "'kraus'"})
            == "('krausse':* | 'krause') & ('ada':*)"
        )
        assert likely(slips(["krausse"]), set()) is None
        assert "'energ':*" in slips(["energietechnick"])["energietechnick"]

    def test_all_words_must_be_there(self):
        assert rank(words_of("ada lovelace"), "Ada Byron", []) == 0
        assert rank(words_of("ada byron"), "Ada Byron", []) == 1
        assert rank(words_of("ada by"), "Ada Byron", []) > 0.9
