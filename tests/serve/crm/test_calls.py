"""The log of calls: numbers, whom they were with, recordings and what was said."""

from __future__ import annotations

from uuid import uuid4

import pytest

CALLS = "/api/v1/call-logs"
CALL = {
    "direction": "inbound",
    "from_number": "+49 30 901820",
    "started_at": "2026-01-15T09:30:00Z",
    "duration_s": 125,
}


@pytest.fixture
def agent(firm):
    return firm.client("agent")


@pytest.fixture
def log(agent):
    """``log(notes="…")``: a call, as its making showed it."""

    def make(**fields: object):
        made = agent.post(CALLS, json={**CALL, **fields})
        assert made.status_code == 201, made.text
        return made.json()["data"]

    return make


@pytest.fixture
def upload(agent):
    """``upload(name, content)``: the id of a file."""

    def send(name: str, content: bytes) -> str:
        sent = agent.post("/api/v1/files", files={"file": (name, content)})
        assert sent.status_code == 201, sent.text
        return sent.json()["data"]["id"]

    return send


WAVE = b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\x80\x3e\0\0\2\0\x10\0data\0\0\0\0"


def fields_of(answer) -> list[str]:
    assert answer.status_code == 422, answer.text
    return [each["field"] for each in answer.json()["error"]["details"]]


class TestCall:
    def test_a_number_is_always_the_same_text(self, agent, log):
        call = log(to_number="+49 (0)421 3610")
        assert (call["from_number"], call["to_number"]) == ("+4930901820", "+494213610")
        found = agent.get(CALLS, params={"from_number": "+4930901820", "ids": call["id"]}).json()["data"]
        assert [row["id"] for row in found] == [call["id"]]

    def test_who_called_and_for_how_long_is_found_again(self, firm, agent, log):
        contact = agent.post("/api/v1/contacts", json={"full_name": "Ada Byron"}).json()["data"]["id"]
        person = str(firm.people[firm.a, "agent"])
        call = log(contact_id=contact, user_id=person, outcome="voicemail", notes="Wants the grey van.")
        for asked in (
            {"contact_id": contact},
            {"search": "grey", "outcome": "voicemail"},
            {"min_duration_s": 125, "user_id": person, "search": "grey"},
            {"started_at_start": "2026-01-15", "started_at_end": "2026-01-15", "search": "grey"},
        ):
            assert [row["id"] for row in agent.get(CALLS, params=asked).json()["data"]] == [call["id"]]
        assert agent.get(CALLS, params={"contact_id": contact, "outcome": "busy"}).json()["data"] == []

    @pytest.mark.parametrize(
        ("fields", "named"),
        [
            ({"from_number": "030 901820"}, ["from_number"]),
            ({"from_number": "+49 1"}, ["from_number"]),
            ({"direction": "sideways"}, ["direction"]),
            ({"duration_s": -1}, ["duration_s"]),
            ({"duration_s": 86_401}, ["duration_s"]),
            ({"started_at": "yesterday"}, ["started_at"]),
            ({"outcome": "busy"}, ["duration_s"]),
            ({"outcome": "no_answer", "transcript": "Hello?"}, ["duration_s", "transcript"]),
            ({"contact_id": str(uuid4())}, ["contact_id"]),
            ({"user_id": str(uuid4())}, ["user_id"]),
            ({"recording_file_id": str(uuid4())}, ["recording_file_id"]),
            ({"transcript_source": "manual"}, ["transcript_source"]),
        ],
    )
    def test_what_is_wrong_is_named(self, agent, fields, named):
        assert fields_of(agent.post(CALLS, json={**CALL, **fields})) == named

    def test_nobody_of_another_tenant_can_have_taken_it(self, firm, agent):
        theirs = str(firm.people[firm.b, "agent"])
        assert fields_of(agent.post(CALLS, json={**CALL, "user_id": theirs})) == ["user_id"]

    def test_a_change_obeys_the_same_rules(self, agent, log):
        call = log()
        assert fields_of(agent.patch(f"{CALLS}/{call['id']}", json={"outcome": "busy"})) == ["duration_s"]
        changed = agent.patch(f"{CALLS}/{call['id']}", json={"outcome": "busy", "duration_s": 0})
        assert changed.json()["data"]["outcome"] == "busy"

    def test_a_transcript_says_who_wrote_it(self, agent, log):
        call = log(transcript="Good morning.")
        assert call["transcript_source"] == "manual"
        emptied = agent.patch(f"{CALLS}/{call['id']}", json={"transcript": None}).json()["data"]
        assert (emptied["transcript"], emptied["transcript_source"]) == (None, None)

    def test_what_was_said_is_sealed_in_its_events(self, firm, agent, log):
        call = log(notes="a secret of theirs", transcript="more of it")
        [(event,)] = firm.sql("select after::text from events where entity_id = %s", call["id"])
        assert "secret" not in event
        assert "901820" not in event
        [made] = agent.get(f"{CALLS}/{call['id']}/history").json()["data"]
        assert made["after"]["notes"] == "a secret of theirs"

    def test_mechanics_do_not_read_it(self, firm, log):
        call = log()
        mechanic = firm.client("technician")
        assert mechanic.get(f"{CALLS}/{call['id']}").status_code == 403
        assert firm.client("owner", firm.b).get(f"{CALLS}/{call['id']}").status_code == 404


class TestRecording:
    def test_it_goes_with_the_call_that_named_it(self, agent, log, upload):
        sound = upload("call.wav", WAVE)
        call = log(recording_file_id=sound)
        assert agent.get(f"/api/v1/files/{sound}").status_code == 200
        agent.patch(f"{CALLS}/{call['id']}", json={"notes": "Longer."})
        assert agent.get(f"/api/v1/files/{sound}").status_code == 200
        agent.patch(f"{CALLS}/{call['id']}", json={"recording_file_id": None})
        assert agent.get(f"/api/v1/files/{sound}").status_code == 404

    def test_a_file_without_sound_is_none(self, agent, upload):
        answer = agent.post(CALLS, json={**CALL, "recording_file_id": upload("note.txt", b"A note.")})
        assert fields_of(answer) == ["recording_file_id"]
        assert "text/plain" in answer.json()["error"]["details"][0]["message"]
