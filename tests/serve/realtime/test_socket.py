"""What is said on a WebSocket: who one is, topics, mistakes, and the end."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest
from websockets.sync.client import connect

from serve.platform.realtime import conversation
from tests.serve.realtime.happening import emit
from tests.serve.realtime.listening import socket
from tests.serve.realtime.promises import short_token, token


class TestWhoOneIs:
    def test_the_first_message_may_say_it(self, firm):
        with socket(firm.running) as mine:
            mine.say(type="subscribe", topics=["*"])
            assert mine.hear("error")["error"]["code"] == "UNAUTHENTICATED"
            mine.say(type="auth", token=token(firm))
            assert mine.hear("ready")["topics"] == ["*"]
            event = emit(firm)
            assert mine.hear()["entity"]["id"] == event

    def test_a_token_may_stand_beside_the_protocol(self, firm):
        """As a browser's page can send it, which can set no header."""
        address = firm.running.url.replace("http", "ws", 1) + "/ws"
        with connect(address, subprotocols=["throughline", f"bearer.{token(firm)}"]) as connection:
            assert connection.subprotocol == "throughline"
            assert json.loads(connection.recv(10))["type"] == "ready"

    def test_an_api_key_will_do(self, firm):
        made = firm.client().post("/api/v1/auth/api-keys", json={"name": "x", "scopes": ["self:read"]})
        key = made.json()["data"]["key"]
        with socket(firm.running, headers={"X-API-Key": key}) as mine:
            mine.hear("ready")
            emit(firm, name="workflow.started")  # beyond its scopes
            own = str(firm.people[firm.a, "owner"])
            sent = firm.client("manager").post(
                "/api/v1/notifications", json={"title": "x", "user_ids": [own]}
            )
            assert sent.status_code == 201
            assert mine.hear()["name"] == "notification.new"

    def test_a_key_that_is_revoked_hears_nothing_more(self, firm):
        made = firm.client().post("/api/v1/auth/api-keys", json={"name": "x", "scopes": ["self:read"]}).json()
        with socket(firm.running, headers={"X-API-Key": made["data"]["key"]}) as mine:
            mine.hear("ready")
            assert firm.client().delete(f"/api/v1/auth/api-keys/{made['data']['id']}").is_success
            emit(firm)
            assert mine.closed() == 4401

    @pytest.mark.parametrize("wrong", ["not.a.token", "tl_nothing"])
    def test_what_is_not_valid_closes_it(self, firm, wrong):
        with socket(firm.running, wrong) as mine:
            assert mine.hear("error")["error"]["code"] == "UNAUTHENTICATED"
            assert mine.closed() == 4401

    def test_nobody_waits_for_ever(self, firm, monkeypatch):
        monkeypatch.setattr(conversation, "AUTH_S", 0.2)
        with socket(firm.running) as mine:
            assert mine.closed() == 4401

    def test_a_new_token_goes_on_where_the_old_one_ends(self, firm):
        with socket(firm.running, short_token(firm, 2)) as mine:
            mine.hear("ready")
            mine.say(type="auth", token=token(firm, "manager"))
            assert mine.hear("error")["error"]["code"] == "FORBIDDEN"  # of somebody else
            mine.say(type="auth", token="no token")
            assert mine.hear("error")["error"]["code"] == "UNAUTHENTICATED"
            mine.say(type="auth", token=token(firm))
            mine.hear("authenticated")
            with socket(firm.running, short_token(firm, 2)) as other:
                assert other.closed() == 4401  # by then the first one's old token has ended too
            event = emit(firm)
            assert mine.hear()["entity"]["id"] == event

    def test_a_key_without_the_permission_is_sent_away(self, firm):
        made = firm.client().post("/api/v1/auth/api-keys", json={"name": "x", "scopes": ["contacts:read"]})
        with socket(firm.running, headers={"X-API-Key": made.json()["data"]["key"]}) as mine:
            assert mine.closed() == 4403


class TestTopics:
    @pytest.mark.parametrize(
        "topic", ["workflow.started", "workflow.*", "entity:workflow", "entity:workflow:{}"]
    )
    def test_each_kind_chooses(self, firm, topic):
        about = str(uuid4())
        topic = topic.format(about)
        with socket(firm.running, token(firm), topics="lead.created") as mine:
            mine.hear("ready")
            mine.say(type="subscribe", topics=[topic])
            assert mine.hear("subscribed")["topics"] == sorted(["lead.created", topic])
            emit(firm, name="scrape.completed")
            if about in topic:
                emit(firm)
            emit(firm, about=about)
            assert mine.hear()["entity"] == {"type": "workflow", "id": about}
            mine.say(type="unsubscribe", topics=[topic])
            assert mine.hear("subscribed")["topics"] == ["lead.created"]
            emit(firm, about=about)
            lead = emit(firm, name="lead.created")
            assert mine.hear()["entity"]["id"] == lead

    def test_the_first_subscription_takes_the_place_of_everything(self, firm):
        with socket(firm.running, token(firm)) as mine:
            assert mine.hear("ready")["topics"] == ["*"]
            mine.say(type="subscribe", topics=["lead.*"])
            assert mine.hear("subscribed")["topics"] == ["lead.*"]
            mine.say(type="subscribe", topics=["approval.*"])
            assert mine.hear("subscribed")["topics"] == ["approval.*", "lead.*"]

    @pytest.mark.parametrize(
        "topic", ["leads.*", "lead.", "entity:", "entity:nothing", "entity:lead:7", "**"]
    )
    def test_what_is_none_is_named(self, firm, topic):
        with socket(firm.running, token(firm)) as mine:
            mine.hear("ready")
            mine.say(type="subscribe", topics=["lead.*", topic])
            [detail] = mine.hear("error")["error"]["details"]
            assert detail["field"] == "topics[1]"
            assert topic in detail["message"]
        with socket(firm.running, token(firm), topics=topic) as mine:
            assert mine.hear("error")["error"]["details"][0]["field"] == "topics[0]"
            assert mine.closed() == 4400


class TestMistakes:
    @pytest.mark.parametrize(
        "said", ["", "{", "[]", "7", '{"type":"dance"}', '{"type":"ping","more":1}', '{"type":"subscribe"}']
    )
    def test_are_answered_and_the_connection_goes_on(self, firm, said):
        with socket(firm.running, token(firm)) as mine:
            mine.hear("ready")
            mine.connection.send(said)
            assert mine.hear("error")["error"]["code"] == "INVALID"
            mine.connection.send(said.encode())  # as bytes
            assert mine.hear("error")["error"]["code"] == "INVALID"
            mine.say(type="ping")
            mine.hear("pong")

    def test_a_token_is_not_repeated_in_what_is_said_of_it(self, firm):
        with socket(firm.running, token(firm)) as mine:
            mine.hear("ready")
            mine.say(type="auth", token="secret", more="secret")
            assert "secret" not in str(mine.hear("error"))

    def test_one_that_is_too_long_ends_it(self, firm):
        with socket(firm.running, token(firm)) as mine:
            mine.hear("ready")
            mine.connection.send("x" * conversation.MOST_MESSAGE_BYTES)
            assert mine.hear("error")["error"]["code"] == "INVALID"
            mine.connection.send("x" * (conversation.MOST_MESSAGE_BYTES + 1))
            assert mine.closed() == 1009

    def test_a_flood_ends_it(self, firm):
        with socket(firm.running, token(firm)) as mine:
            mine.hear("ready")
            for _ in range(conversation.MESSAGES_AT_ONCE + 30):
                mine.say(type="ping")
            assert mine.closed() == 4429

    @pytest.mark.parametrize(
        ("asked", "field"),
        [({"no_such": "1"}, "no_such"), ({"last_event_id": "7"}, "last_event_id")],
    )
    def test_wrong_parameters_are_named(self, firm, asked, field):
        with socket(firm.running, token(firm), **asked) as mine:
            assert mine.hear("error")["error"]["details"][0]["field"] == field
            assert mine.closed() == 4400

    def test_an_unknown_place_to_begin_is_said(self, firm):
        with socket(firm.running, token(firm), last_event_id=str(uuid4())) as mine:
            assert mine.hear("error")["error"]["code"] == "CURSOR_GONE"
            assert mine.closed() == 4410

    def test_there_is_no_other_socket(self, firm):
        from websockets.exceptions import InvalidStatus

        with pytest.raises(InvalidStatus) as refused:
            connect(firm.running.url.replace("http", "ws", 1) + "/wss", open_timeout=10)
        assert refused.value.response.status_code == 403
