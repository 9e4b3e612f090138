"""Whose files are whose: who sees one, changes it, and gives it to a row."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from serve.platform.files.belonging import kinds
from tests.serve.platform.files.sending import FILES, error, send, sent
from tests.surface.corpora.uploads import PNG

ACCOUNTS, ARTICLES, CALLS, CONTACTS = (
    f"/api/v1/{each}" for each in ("accounts", "knowledge-base", "call-logs", "contacts")
)
WAVE = b"RIFF$\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0@\x1f\0\0@\x1f\0\0\x01\0\x08\0data\0\0\0\0"
CALL = {
    "direction": "inbound",
    "from_number": "+4942155501",
    "started_at": "2026-06-01T10:00:00Z",
    "duration_s": 60,
}
EVERY_ROLE = ("owner", "admin", "manager", "agent", "technician", "provider", "viewer")


@pytest.fixture
def account(firm) -> dict:
    return firm.client().post(ACCOUNTS, json={"name": "Byron and daughters", "country": "DE"}).json()["data"]


def call_of(client, file: dict, **fields: object) -> dict:
    made = client.post(CALLS, json={**CALL, "recording_file_id": file["id"], **fields})
    assert made.status_code == 201, made.text
    return made.json()["data"]


def file_of(firm, file: dict) -> dict:
    return firm.client().get(f"{FILES}/{file['id']}").json()["data"]


def readers(firm, file: dict) -> set[str]:
    """Who gets it, in each of the ways in which one can."""
    found = set()
    for role in EVERY_ROLE:
        client, path = firm.client(role), f"{FILES}/{file['id']}"
        ways = [client.get(path), client.get(f"{path}/download"), client.get(f"{path}/history")]
        listed = client.get(FILES, params={"id": file["id"]}).json()
        stats = client.get(f"{FILES}/stats", params={"id": file["id"]}).json()["data"]["total"]
        assert len(listed["data"]) == listed["meta"]["total"] == stats
        asked = {"q": file["name"].partition(".")[0], "kinds": "file"}
        assert len(client.get("/api/v1/search", params=asked).json()["data"]) == stats, role
        assert {each.status_code for each in ways} == {200 if stats else 404}, role
        if stats:
            found.add(role)
    return found


def named(name: str) -> str:
    """Found again by its word alone."""
    return f"{name}{uuid4().hex}"


class TestReading:
    def test_what_belongs_to_nothing_is_for_who_sent_it_and_who_sees_all(self, firm):
        file = sent(firm.client("technician"), f"{named('a')}.txt", b"text")
        assert readers(firm, file) == {"technician", "manager", "admin", "owner"}

    def test_what_belongs_to_a_row_is_for_who_may_read_it(self, firm, account):
        place = {"entity_type": "account", "entity_id": account["id"]}
        file = sent(firm.client("agent"), f"{named('b')}.txt", b"text", **place)
        assert readers(firm, file) == {"agent", "viewer", "manager", "admin", "owner"}

    def test_a_recording_is_for_who_may_read_the_call(self, firm):
        file = sent(firm.client("agent"), f"{named('c')}.wav", WAVE)
        assert "viewer" not in readers(firm, file)
        call = call_of(firm.client("agent"), file)
        assert readers(firm, file) == {"agent", "viewer", "manager", "admin", "owner"}
        assert file_of(firm, file)["entity_id"] == call["id"]

    def test_a_picture_of_an_article_is_for_its_readers(self, firm):
        editor = firm.client("agent")
        first, second = (sent(editor, f"{named('d')}.png", PNG) for _ in range(2))
        body = "![One](/api/v1/files/{}/download)"
        article = editor.post(ARTICLES, json={"title": "Brakes", "body": body.format(first["id"])}).json()[
            "data"
        ]
        assert "technician" in readers(firm, first)
        assert "technician" not in readers(firm, second)
        path = f"{ARTICLES}/{article['id']}"
        assert editor.patch(path, json={"body": body.format(second["id"])}).status_code == 200
        assert "technician" in readers(firm, second)
        assert file_of(firm, second)["entity_id"] == article["id"]

    def test_nobody_gives_readers_a_picture_that_is_not_theirs(self, firm):
        file = sent(firm.client("provider"), f"{named('e')}.png", PNG)
        body = f"![Mine?](/api/v1/files/{file['id']}/download)"
        assert firm.client("agent").post(ARTICLES, json={"title": "Mine", "body": body}).status_code == 201
        assert readers(firm, file) == {"provider", "manager", "admin", "owner"}

    def test_pictures_of_people_and_of_the_company_are_for_all(self, firm):
        for path in ("upload-avatar", "upload-logo"):
            picture = (
                firm.client("admin").post(f"{FILES}/{path}", files={"file": ("a.png", PNG)}).json()["data"]
            )
            for role in EVERY_ROLE:
                assert firm.client(role).get(f"{FILES}/{picture['id']}/download").status_code == 200

    def test_totals_are_of_who_asks(self, firm):
        """They are remembered: not what another one was told."""
        purpose = named("p")[:30]
        for number in range(3):
            sent(firm.client("technician"), f"{number}.txt", b"text", purpose=purpose)
        sent(firm.client("provider"), "3.txt", b"text", purpose=purpose)
        asked = {"purpose": purpose, "limit": 1, "count": "exact"}
        for role, total in (("owner", 4), ("technician", 3), ("provider", 1), ("viewer", 0), ("owner", 4)):
            assert firm.client(role).get(FILES, params=asked).json()["meta"]["total"] == total, role

    def test_what_a_parent_sees_of_a_child_it_sees_by_the_same_rule(self, firm, account):
        place = {"entity_type": "account", "entity_id": account["id"]}
        of_row, loose = (sent(firm.client(), "g.txt", b"text", **fields) for fields in (place, {}))
        viewer, owner = (firm.client(role, tenant=firm.umbrella) for role in ("viewer", "owner"))
        answers = [
            client.get(f"{FILES}/{file['id']}/download")
            for client in (viewer, owner)
            for file in (of_row, loose)
        ]
        assert [each.status_code for each in answers] == [200, 404, 200, 200]

    def test_only_who_sees_all_hears_of_files(self, firm):
        audience = firm.running.app.state.hub.audience
        assert {audience.names[f"file.{verb}"] for verb in ("created", "updated", "deleted")} == {"files:all"}


class TestChanging:
    @pytest.fixture
    def file(self, firm, account) -> dict:
        place = {"entity_type": "account", "entity_id": account["id"]}
        return sent(firm.client("owner"), "h.txt", b"text", **place)

    def test_who_may_change_the_row_may_change_its_file(self, firm, file):
        path = f"{FILES}/{file['id']}"
        assert firm.client("agent").patch(path, json={"name": "i.txt"}).status_code == 200
        assert firm.client("agent").delete(path).status_code == 200
        assert firm.client("agent").post(f"{path}/restore").status_code == 200
        assert file_of(firm, file)["name"] == "i.txt"

    def test_who_may_only_read_it_may_not(self, firm):
        editor = firm.client("agent")
        file = sent(editor, "j.png", PNG)
        editor.post(ARTICLES, json={"title": "Tyres", "body": f"![](/api/files/{file['id']}/download)"})
        mechanic, path = firm.client("technician"), f"{FILES}/{file['id']}"
        assert mechanic.get(path).status_code == 200
        error(mechanic.patch(path, json={"name": "k.png"}), 403, "NOT_YOUR_FILE")
        error(mechanic.delete(path), 403, "NOT_YOUR_FILE")
        error(mechanic.post(f"{path}/link", json={}), 403, "NOT_YOUR_FILE")
        editor.delete(path)
        error(mechanic.post(f"{path}/restore"), 403, "NOT_YOUR_FILE")
        assert editor.post(f"{path}/restore").json()["data"]["name"] == "j.png"

    def test_what_one_does_not_see_is_not_there(self, firm):
        file = sent(firm.client("owner"), "l.txt", b"text")
        stranger, path = firm.client("provider"), f"{FILES}/{file['id']}"
        for answer in (
            stranger.patch(path, json={"name": "m.txt"}),
            stranger.delete(path),
            stranger.post(f"{path}/link", json={}),
            stranger.post(f"{path}/restore"),
        ):
            error(answer, 404, "FILE_NOT_FOUND")
        assert file_of(firm, file)["name"] == "l.txt"

    def test_a_logo_is_not_for_everybody_to_take_away(self, firm):
        logo = (
            firm.client("admin").post(f"{FILES}/upload-logo", files={"file": ("a.png", PNG)}).json()["data"]
        )
        error(firm.client("technician").delete(f"{FILES}/{logo['id']}"), 403, "NOT_YOUR_FILE")
        assert firm.client("admin").delete(f"{FILES}/{logo['id']}").status_code == 200


class TestPlaces:
    def test_a_row_that_is_there(self, firm, account):
        client = firm.client("agent")
        wrong = {"entity_type": "account", "entity_id": str(uuid4())}
        [(field, said)] = error(send(client, "a.txt", b"text", **wrong), 422, "INVALID")
        assert (field, said) == ("entity_id", "names no account that exists")
        firm.client().delete(f"{ACCOUNTS}/{account['id']}")
        gone = {"entity_type": "account", "entity_id": account["id"]}
        assert error(send(client, "a.txt", b"text", **gone), 422, "INVALID")[0][0] == "entity_id"

    def test_a_row_of_ones_own_tenant(self, firm):
        theirs = (
            firm.client(tenant=firm.b).post(ACCOUNTS, json={"name": "Theirs", "country": "DE"}).json()["data"]
        )
        place = {"entity_type": "account", "entity_id": theirs["id"]}
        assert error(send(firm.client(), "a.txt", b"text", **place), 422, "INVALID")[0][0] == "entity_id"

    def test_a_kind_that_there_is(self, firm):
        place = {"entity_type": "planet", "entity_id": str(uuid4())}
        [(field, said)] = error(send(firm.client(), "a.txt", b"text", **place), 422, "INVALID")
        assert field == "entity_type"
        assert "account" in said

    @pytest.mark.parametrize("kind", sorted(kinds()))
    def test_each_kind_can_be_asked_for_a_row(self, firm, kind):
        place = {"entity_type": kind, "entity_id": str(uuid4())}
        assert error(send(firm.client(), "a.txt", b"text", **place), 422, "INVALID")[0][0] == "entity_id"

    def test_people_and_the_company_are_no_resources_and_have_files_all_the_same(self, firm):
        for kind, row_id in (("user", firm.people[firm.a, "agent"]), ("tenant", firm.a)):
            place = {"entity_type": kind, "entity_id": str(row_id)}
            assert sent(firm.client(), "a.txt", b"text", **place)["entity_id"] == str(row_id)
        theirs = {"entity_type": "user", "entity_id": str(firm.people[firm.b, "agent"])}
        assert error(send(firm.client(), "a.txt", b"text", **theirs), 422, "INVALID")[0][0] == "entity_id"

    def test_a_row_that_one_may_change(self, firm, account):
        place = {"entity_type": "account", "entity_id": account["id"]}
        error(send(firm.client("technician"), "a.txt", b"text", **place), 403, "NOT_YOUR_FILE")
        file = sent(firm.client("technician"), "a.txt", b"text")
        error(firm.client("technician").patch(f"{FILES}/{file['id']}", json=place), 403, "NOT_YOUR_FILE")
        error(
            firm.client().patch(f"{FILES}/{file['id']}", json=place | {"entity_id": str(uuid4())}),
            422,
            "INVALID",
        )
        assert file_of(firm, file)["entity_id"] is None


class TestRecordings:
    def test_it_stays_with_its_call(self, firm, account):
        client = firm.client("agent")
        file = sent(client, "a.wav", WAVE)
        call_of(client, file)
        for place in (
            {"entity_type": "account", "entity_id": account["id"]},
            {"entity_type": None, "entity_id": None},
        ):
            error(client.patch(f"{FILES}/{file['id']}", json=place), 409, "RECORDING_STAYS")

    def test_a_second_call_does_not_take_it(self, firm):
        client = firm.client("agent")
        file = sent(client, "b.wav", WAVE)
        call = call_of(client, file)
        taken = client.post(CALLS, json={**CALL, "recording_file_id": file["id"]})
        assert error(taken, 422, "INVALID") == [("recording_file_id", "belongs to something else already")]
        other = client.post(CALLS, json=CALL).json()["data"]
        for way in (client.patch, client.put):
            body = {**CALL, "recording_file_id": file["id"]}
            assert (
                error(way(f"{CALLS}/{other['id']}", json=body), 422, "INVALID")[0][0] == "recording_file_id"
            )
        same = client.patch(
            f"{CALLS}/{call['id']}", json={"recording_file_id": file["id"], "notes": "Again."}
        )
        assert same.status_code == 200
        assert file_of(firm, file)["entity_id"] == call["id"]

    def test_nor_one_that_its_caller_does_not_see(self, firm):
        file = sent(firm.client("technician"), "c.wav", WAVE)
        said = firm.client("agent").post(CALLS, json={**CALL, "recording_file_id": file["id"]})
        assert error(said, 422, "INVALID") == [("recording_file_id", "names nothing that exists")]

    def test_of_two_calls_at_once_one_has_it(self, firm):
        client = firm.client("agent")
        file = sent(client, "g.wav", WAVE)
        calls = [client.post(CALLS, json=CALL).json()["data"] for _ in range(6)]

        def take(call: dict) -> int:
            wish = {"recording_file_id": file["id"]}
            return firm.client("agent").patch(f"{CALLS}/{call['id']}", json=wish).status_code

        with ThreadPoolExecutor(len(calls)) as threads:
            assert sorted(threads.map(take, calls)) == [200, *[422] * 5]
        [(entity_id,)] = firm.sql("select entity_id from files where id = %s", file["id"])
        assert firm.sql("select id from calls where recording_file_id = %s", file["id"]) == [(entity_id,)]

    def test_a_call_that_takes_another_lets_the_first_go(self, firm):
        client = firm.client("agent")
        first, second = (sent(client, name, WAVE) for name in ("d.wav", "e.wav"))
        call = call_of(client, first)
        assert (
            client.patch(f"{CALLS}/{call['id']}", json={"recording_file_id": second["id"]}).status_code == 200
        )
        assert client.get(f"{FILES}/{first['id']}").status_code == 404
        assert file_of(firm, second)["entity_id"] == call["id"]

    def test_one_that_belongs_to_another_call_does_not_go_with_this(self, firm):
        """Calls of before named one file twice."""
        client = firm.client("agent")
        file = sent(client, "f.wav", WAVE)
        call_of(client, file)
        other = client.post(CALLS, json=CALL).json()["data"]
        firm.sql("update calls set recording_file_id = %s where id = %s", file["id"], other["id"])
        assert client.patch(f"{CALLS}/{other['id']}", json={"recording_file_id": None}).status_code == 200
        assert client.get(f"{FILES}/{file['id']}").status_code == 200
