"""The log of calls: numbers, whom they were with, recordings and what was said."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from uuid import uuid4

import pytest

from serve.crm.calls import rules
from serve.kernel.tasks import Work
from serve.ports.out import Door
from serve.ports.transcription import Transcriber
from serve.ports.way import Ways
from tests.serve.ports.internet import internet, say

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

    def test_who_sends_all_of_a_call_has_not_written_what_it_said_already(self, firm, agent, log):
        call = log(transcript="Good morning.")
        firm.sql("update calls set transcript_source = 'provider' where id = %s", call["id"])
        all_of_it = {**CALL, "transcript": "Good morning.", "notes": "Friendly."}
        put = agent.put(f"{CALLS}/{call['id']}", json=all_of_it).json()["data"]
        assert (put["notes"], put["transcript_source"]) == ("Friendly.", "provider")
        assert put["transcribed_at"] == call["transcribed_at"]
        put = agent.put(f"{CALLS}/{call['id']}", json=all_of_it | {"transcript": "Good evening."})
        assert put.json()["data"]["transcript_source"] == "manual"

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

    def test_it_is_a_file_of_ones_own_that_is_there(self, firm, agent, upload):
        gone = upload("call.wav", WAVE)
        assert agent.delete(f"/api/v1/files/{gone}").is_success
        sent = firm.client("owner", firm.b).post("/api/v1/files", files={"file": ("call.wav", WAVE)})
        theirs = sent.json()["data"]["id"]
        for each in (gone, theirs):
            answer = agent.post(CALLS, json={**CALL, "recording_file_id": each})
            assert fields_of(answer) == ["recording_file_id"]
        assert firm.client("owner", firm.b).get(f"/api/v1/files/{theirs}").status_code == 200

    def test_a_file_without_sound_is_none(self, agent, upload):
        answer = agent.post(CALLS, json={**CALL, "recording_file_id": upload("note.txt", b"A note.")})
        assert fields_of(answer) == ["recording_file_id"]
        assert "text/plain" in answer.json()["error"]["details"][0]["message"]


SETTINGS = "/api/v1/settings/transcription"


async def heard(request, writer):
    await say(writer, 200, json.dumps({"text": " Good morning, my van is late. ", "language": "en"}).encode())


async def says_nothing(request, writer):
    await asyncio.sleep(5)


def answers(status: int, body: bytes):
    async def answer(request, writer):
        await say(writer, status, body)

    return answer


@pytest.fixture
def outside(firm):
    """A world outside of the service, and settings that lead there."""
    firm.sql(
        "update tasks set status = 'cancelled', finished_at = now() where status = 'queued'"
    )  # of others
    state, stack = firm.running.app.state, AsyncExitStack()
    world = firm.running.wait_for(stack.enter_async_context(internet()))
    before, state.ways = state.ways, Ways(Door(look_up=world.look_up, network=world))
    owner = firm.client("owner")
    set_to = {"base_url": "http://public.example/v1", "api_key": "a-secret-key", "language": "en"}
    assert owner.put(SETTINGS, json=set_to).status_code == 200
    yield world
    owner.put(SETTINGS, json={"base_url": None, "api_key": None})
    ours, state.ways = state.ways, before
    firm.running.wait_for(ours.close())
    firm.running.wait_for(stack.aclose())


@pytest.fixture
def recorded(log, upload):
    def make(**fields: object):
        return log(recording_file_id=upload("call.wav", WAVE), **fields)

    return make


class TestTranscription:
    def ask(self, agent, call, **body):
        return agent.post(f"{CALLS}/{call['id']}/transcribe", json=body)

    def done(self, firm, agent, call, **body):
        """The call and the task, once the worker has tried."""
        asked = self.ask(agent, call, **body)
        assert asked.status_code == 202, asked.text
        firm.work()
        task = agent.get(asked.json()["data"]["url"]).json()["data"]
        return agent.get(f"{CALLS}/{call['id']}").json()["data"], task

    def test_without_a_service_it_says_so(self, agent, recorded):
        address = f"{CALLS}/{recorded()['id']}"
        call = agent.get(address).json()["data"]
        refused = agent.post(f"{address}/transcribe")
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "INTEGRATION_NOT_CONFIGURED")
        assert agent.get(address).json()["data"] == call

    def test_what_the_service_hears_is_the_transcript(self, firm, agent, recorded, outside):
        outside.answers = [heard]
        call, task = self.done(firm, agent, recorded())
        assert (call["transcript"], call["transcript_source"]) == (
            "Good morning, my van is late.",
            "provider",
        )
        assert call["transcribed_at"] is not None
        assert (task["status"], task["done_count"]) == ("succeeded", 1)
        assert task["result"] == {"is_kept": True, "character_count": 29}
        [request] = outside.requests
        assert (request.method, request.path) == ("POST", "/v1/audio/transcriptions")
        assert request.headers["authorization"] == "bearer a-secret-key"
        assert WAVE in request.body
        assert b"whisper-1" in request.body
        assert b'filename="call.wav"' in request.body
        assert firm.events(call["id"])[-1][0] == "call.transcribed"
        [found] = agent.get(CALLS, params={"search": "van late", "ids": call["id"]}).json()["data"]
        assert found["id"] == call["id"]
        # What was said stands neither in the task nor readable in an event.
        steps = firm.sql(
            "select count(*) from tasks where id = %s and tasks::text like '%%van%%'", task["id"]
        )
        assert steps == [(0,)]
        events = firm.sql("select after::text from events where entity_id = %s", call["id"])
        assert not any("van is late" in (after or "") for (after,) in events)

    @pytest.mark.parametrize(
        "answer",
        [
            answers(200, b"<html>not json</html>"),
            answers(200, b'{"words": []}'),
            answers(200, b'{"text": 7}'),
            answers(200, json.dumps({"text": "x" * 100_001}).encode()),
            answers(500, b"broken"),
            says_nothing,
        ],
        ids=["no json", "no text", "no words", "too long", "broken", "silent"],
    )
    def test_rubbish_is_no_transcript_and_is_asked_for_again(
        self, firm, agent, recorded, outside, monkeypatch, answer
    ):
        monkeypatch.setattr(Transcriber, "within_s", 0.3)
        outside.answers = [answer]
        call, task = self.done(firm, agent, recorded())
        assert (call["transcript"], call["transcript_source"]) == (None, None)
        assert task["status"] in ("queued", "waiting", "running"), task
        monkeypatch.undo()
        outside.answers = [heard]
        firm.work(waits_too=True)
        assert agent.get(f"{CALLS}/{call['id']}").json()["data"]["transcript_source"] == "provider"

    def test_a_service_that_refuses_ends_it(self, firm, agent, recorded, outside):
        outside.answers = [answers(401, b"who are you?")]
        call, task = self.done(firm, agent, recorded())
        assert (task["status"], task["error"]["code"]) == ("failed", "OUTSIDE_REFUSED")
        assert "a-secret-key" not in json.dumps(task)
        assert call["transcript"] is None

    def test_an_address_of_this_machine_is_not_called(self, firm, agent, recorded, outside):
        inside = {"base_url": f"http://127.0.0.1:{outside.canary_port}"}
        firm.client("owner").put(SETTINGS, json=inside | {"api_key": "a-secret-key"})
        _, task = self.done(firm, agent, recorded())
        assert (task["status"], task["error"]["code"]) == ("failed", "ADDRESS_REFUSED")
        assert outside.canary_calls == 0

    def test_what_cannot_be_transcribed_is_refused(self, firm, agent, log, recorded, outside, monkeypatch):
        for call, code in (
            (log(), "CALL_NOT_RECORDED"),
            (recorded(transcript="By hand."), "TRANSCRIPT_STANDS"),
        ):
            refused = self.ask(agent, call)
            assert (refused.status_code, refused.json()["error"]["code"]) == (409, code)
        stranger = firm.client("owner", firm.b)
        assert self.ask(stranger, recorded()).status_code == 404
        assert self.ask(firm.client("technician"), recorded()).status_code == 403
        monkeypatch.setattr(rules, "MOST_SOUND_BYTES", 10)
        assert self.ask(agent, recorded()).json()["error"]["code"] == "RECORDING_TOO_LARGE"
        assert outside.requests == []

    def test_asked_twice_is_one_task_and_what_is_written_meanwhile_stays(
        self, firm, agent, recorded, outside
    ):
        call = recorded(transcript="Old.")
        first, again = (self.ask(agent, call, replace=True).json()["data"]["task_id"] for _ in range(2))
        assert first == again

        async def hand_is_quicker(request, writer):
            def write():
                agent.patch(f"{CALLS}/{call['id']}", json={"transcript": "By hand."})

            await asyncio.to_thread(write)
            await heard(request, writer)

        outside.answers = [hand_is_quicker]
        firm.work()
        after = agent.get(f"{CALLS}/{call['id']}").json()["data"]
        assert (after["transcript"], after["transcript_source"]) == ("By hand.", "manual")
        outside.answers = [heard]
        replaced, _ = self.done(firm, agent, call, replace=True)
        assert replaced["transcript_source"] == "provider"

    def test_what_is_written_between_two_tries_stays(self, firm, agent, recorded, outside):
        outside.answers = [answers(500, b"broken"), heard]
        call, task = self.done(firm, agent, recorded())
        assert task["status"] == "queued", task
        agent.patch(f"{CALLS}/{call['id']}", json={"transcript": "By hand."})
        firm.work(waits_too=True)
        after = agent.get(f"{CALLS}/{call['id']}").json()["data"]
        assert (after["transcript"], after["transcript_source"]) == ("By hand.", "manual")
        ended = agent.get(f"/api/v1/tasks/{task['id']}").json()["data"]
        why = "somebody has changed the recording or the transcript"
        assert (ended["status"], ended["result"]) == ("succeeded", {"is_kept": False, "why": why}), ended
        assert len(outside.requests) == 1  # nobody is told what is not needed

    def test_a_task_that_runs_twice_writes_once(self, firm, agent, recorded, outside, monkeypatch):
        """The worker dies when the transcript is kept, before the task knows of it."""
        outside_of, outside.answers = Work.outside, [heard, heard]

        async def and_dies(work, name, do, **how):
            async def at_its_end(key):
                await do(key)
                raise ConnectionError("gone")

            return await outside_of(work, name, at_its_end, **how)

        monkeypatch.setattr(Work, "outside", and_dies)
        call, task = self.done(firm, agent, recorded())
        assert (call["transcript_source"], task["status"]) == ("provider", "queued")
        monkeypatch.undo()
        firm.work(waits_too=True)
        ended = agent.get(f"/api/v1/tasks/{task['id']}").json()["data"]
        assert (ended["status"], ended["result"]) == ("succeeded", {"is_kept": True, "character_count": 29})
        assert agent.get(f"{CALLS}/{call['id']}").json()["data"] == call
        assert [name for name, *_ in firm.events(call["id"])].count("call.transcribed") == 1
        assert len(outside.requests) == 1
