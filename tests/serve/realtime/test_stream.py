"""The stream of server-sent events: its form, where it begins, and when it ends."""

from __future__ import annotations

import time
from uuid import uuid4

import httpx
import pytest
from jsonschema import Draft202012Validator

from serve.app import create_app
from serve.kernel.realtime import messages
from tests.serve.realtime.happening import emit
from tests.serve.realtime.listening import Lines, lines, socket
from tests.serve.realtime.promises import token


@pytest.fixture
def quick(firm, run_app):
    """A second process on the same store, with a short heartbeat."""
    settings = firm.running.app.state.settings
    return run_app(
        settings.throughline_home,
        database_url=settings.database_url,
        background_work=False,
        realtime_heartbeat_s=0.2,
    )


def test_an_event_is_what_the_document_says(firm):
    document = create_app().openapi()
    answer = document["paths"]["/api/v1/realtime/subscribe"]["get"]["responses"]["200"]
    told, last = answer["content"]["text/event-stream"]["schema"]["anyOf"]
    assert last["properties"]["event"]["const"] == "end"
    schema = told["properties"]["data"]["contentSchema"]
    with lines(firm.running, token(firm)) as mine, socket(firm.running, token(firm)) as other:
        other.hear("ready")
        emit(firm, big="é" * 10)
        event = mine.hear()
        assert event == other.hear()
    Draft202012Validator({**schema, "components": document["components"]}).validate(event)
    assert (event["data"]["big"], event["is_whole"]) == ("é" * 10, True)


def test_data_that_is_too_large_is_left_out(firm):
    with lines(firm.running, token(firm)) as mine:
        emit(firm, big="x" * messages.MOST_DATA_BYTES)
        event = mine.hear()
        assert (event["data"], event["is_whole"]) == ({}, False)


def test_nothing_holds_it_back(firm):
    """No compression, whatever the client takes, and no cache."""
    with lines(firm.running, token(firm), headers={"Accept-Encoding": "gzip"}) as mine:
        headers = mine.response.headers
        assert headers["content-type"].startswith("text/event-stream")
        assert headers["cache-control"] == "no-store"
        assert "content-encoding" not in headers
        assert headers["x-accel-buffering"] == "no"
        assert headers["x-request-id"]
        event = emit(firm)
        assert mine.hear()["entity"]["id"] == event


def test_a_heartbeat_moves_the_place_past_what_was_not_asked_for(firm, quick):
    with lines(quick, token(firm), topics="lead.*") as mine:
        event = emit(firm)
        [(place,)] = firm.sql("select id from events where entity_id = %s", event)
        for block in mine.blocks():
            assert "data" not in block
            if mine.last_id == str(place):
                break


def test_who_comes_back_is_told_what_was_missed_and_then_goes_on(firm, quick):
    """From another process, and by the header or the parameter."""
    with lines(firm.running, token(firm)) as mine:
        first = emit(firm)
        assert mine.hear()["entity"]["id"] == first
    missed = [emit(firm) for _ in range(3)] + [emit(firm, count=450)]
    with lines(
        quick, token(firm), headers={"Last-Event-ID": mine.last_id}, last_event_id=str(uuid4())
    ) as again:
        told = [again.hear() for _ in range(3 + 450)]
        assert list(dict.fromkeys(each["entity"]["id"] for each in told)) == missed
        assert [each["data"]["number"] for each in told[3:]] == list(range(1, 451))
        live = emit(firm)
        assert again.hear()["entity"]["id"] == live
    with lines(quick, token(firm), last_event_id=mine.last_id, follow="false") as whole:
        assert [each["id"] for each in whole.all()][: len(told)] == [each["id"] for each in told]


def test_a_place_that_is_not_ones_own_is_gone(firm):
    theirs = emit(firm, firm.b)
    [(place,)] = firm.sql("select id from events where entity_id = %s", theirs)
    for unknown in (place, uuid4()):
        answer = firm.client().get("/api/v1/realtime/subscribe", params={"last_event_id": str(unknown)})
        assert answer.status_code == 410
        assert answer.json()["error"]["code"] == "CURSOR_GONE"


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"topics": "leads.*"}, "topics[0]"),
        ({"topics": "lead.*,"}, "topics[1]"),
        ({"last_event_id": "x"}, "last_event_id"),
        ({"follow": "perhaps"}, "follow"),
        ({"tpics": "*"}, "tpics"),
    ],
)
def test_what_is_wrong_is_named(firm, asked, field):
    answer = firm.client().get("/api/v1/realtime/subscribe", params=asked)
    assert answer.status_code == 422
    assert [detail["field"] for detail in answer.json()["error"]["details"]] == [field]


def test_of_a_head_there_is_no_stream(firm):
    answer = firm.client().head("/api/v1/realtime/subscribe")
    assert answer.status_code == 200
    assert answer.content == b""
    assert answer.headers["content-type"].startswith("text/event-stream")


def test_who_leaves_is_forgotten(firm):
    hub = firm.running.app.state.hub
    with lines(firm.running, token(firm)), socket(firm.running, token(firm)) as mine:
        mine.hear("ready")
        assert hub.stream_count == 2
    deadline = time.monotonic() + 10
    while hub.stream_count:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_client_that_asks_again_on_the_same_connection_gets_its_answer(firm):
    """The end of a finite stream is a proper end."""
    client: httpx.Client = firm.client()
    for _ in range(2):
        with client.stream("GET", "/api/v1/realtime/subscribe", params={"follow": "false"}) as response:
            assert Lines(response).all() == []
