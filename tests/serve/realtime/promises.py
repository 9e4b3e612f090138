"""What listeners are promised, as plain functions: the tests call them, and the sabotage tests with a guard taken away.

Each raises AssertionError. An event that all may hear comes last, so that what was not told is known to be left out.
"""

from __future__ import annotations

import asyncio
import re
import socket as sockets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from threading import Event
from typing import Any
from uuid import UUID

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from serve.kernel.realtime import stream
from serve.kernel.tokens import Tokens
from tests.serve.firm import PASSWORD, Firm
from tests.serve.realtime.happening import emit, emit_in, transaction
from tests.serve.realtime.listening import LONGEST_S, Closed, Socket, lines, socket, token_of
from warehouse.settings import Home

BIG = "x" * 6_000


def token(firm: Firm, role: str = "owner", tenant: UUID | None = None) -> str:
    return token_of(firm.client(role, tenant))


def tenants_are_kept_apart(firm: Firm) -> None:
    """Live: a stranger's events reach nobody; an umbrella hears its child's."""
    with ExitStack() as stack:
        mine = stack.enter_context(socket(firm.running, token(firm)))
        theirs = stack.enter_context(lines(firm.running, token(firm, tenant=firm.b)))
        above = stack.enter_context(socket(firm.running, token(firm, tenant=firm.umbrella)))
        mine.hear("ready"), above.hear("ready")
        for _ in range(3):  # the first may come out of the store, as somebody has just come
            of_b = emit(firm, firm.b)
            of_a = emit(firm, firm.a)
            assert theirs.hear()["entity"]["id"] == of_b
            assert mine.hear()["entity"]["id"] == of_a
            heard = above.hear()
            assert (heard["entity"]["id"], heard["tenant_id"]) == (of_a, str(firm.a))


def the_past_is_kept_apart(firm: Firm) -> None:
    """From the store: who comes back is told of the own tenant's events alone."""
    first = emit(firm, firm.a)
    [(begin,)] = firm.sql("select id from events where entity_id = %s", first)
    emit(firm, firm.b)
    last = emit(firm, firm.a)
    with lines(firm.running, token(firm), last_event_id=str(begin), follow="false") as mine:
        assert [each["entity"]["id"] for each in mine.all() if each["name"] == "workflow.started"] == [last]


def permissions_count(firm: Firm) -> None:
    """Each event takes its own permission, live and from the store."""
    with socket(firm.running, token(firm, "agent")) as agent:
        begin = agent.hear("ready")["last_event_id"]
        emit(firm, name="workflow.started")
        pending = emit(firm, name="approval.pending")
        assert agent.hear()["entity"]["id"] == pending
    if begin is not None:
        with lines(firm.running, token(firm, "agent"), last_event_id=begin, follow="false") as again:
            assert [each["entity"]["id"] for each in again.all()] == [pending]


def only_the_addressed_hear(firm: Firm) -> None:
    """Of a notification only the person it is for."""
    mechanic = str(firm.people[firm.a, "technician"])
    with ExitStack() as stack:
        owner = stack.enter_context(socket(firm.running, token(firm), topics="notification.*"))
        theirs = stack.enter_context(
            socket(firm.running, token(firm, "technician"), topics="notification.new")
        )
        owner.hear("ready"), theirs.hear("ready")
        for person in (mechanic, str(firm.people[firm.a, "owner"])):
            sent = firm.client("manager").post(
                "/api/v1/notifications", json={"title": "x", "user_ids": [person]}
            )
            assert sent.status_code == 201
        assert theirs.hear()["data"]["user_id"] == mechanic
        told = [owner.hear() for _ in range(3)]
        assert [each["name"] for each in told] == [
            "notification.sent",
            "notification.sent",
            "notification.new",
        ]
        assert told[-1]["data"]["user_id"] == str(firm.people[firm.a, "owner"])


def personal_values_stay_sealed(firm: Firm) -> None:
    with socket(firm.running, token(firm), topics="contact.*") as mine:
        mine.hear("ready")
        firm.client().post("/api/v1/contacts", json={"full_name": "Ada Byron", "email": "ada@example.org"})
        data = mine.hear()["data"]
        assert data["full_name"] == data["email"] == {"sealed": None}, data


def short_token(firm: Firm, life_s: int = 1) -> str:
    state = firm.running.app.state
    made, _ = _tokens(state, life_s).issue(
        firm.people[firm.a, "owner"],
        email="owner@a.example",
        tenant_id=firm.a,
        tenant_ids=[firm.a],
        role="owner",
    )
    return made


def _tokens(state: Any, life_s: int) -> Tokens:
    return Tokens(Home(state.settings.throughline_home).secret("access_token_key"), life_s=life_s)


def an_expired_token_ends_it(firm: Firm) -> None:
    """Both transports end when the token does; before that, they told."""
    with (
        socket(firm.running, short_token(firm, 2)) as mine,
        lines(firm.running, short_token(firm, 2)) as written,
    ):
        mine.hear("ready")
        last = emit(firm)
        assert mine.hear()["entity"]["id"] == written.hear()["entity"]["id"] == last
        assert written.hear("end") == {"reason": "unauthenticated"}
        assert mine.closed() == 4401


@contextmanager
def _session(firm: Firm) -> Iterator[tuple[Socket, Callable[[], None]]]:
    """Who listens with a session of their own, and what ends it."""
    person = firm.running.client()
    session = person.post("/api/v1/auth/login", json={"email": "owner@a.example", "password": PASSWORD})
    access = session.json()["data"]["access_token"]

    def log_out() -> None:
        bearer = {"Authorization": f"Bearer {access}"}
        assert person.post("/api/v1/auth/logout", json={}, headers=bearer).is_success

    with socket(firm.running, access) as mine:
        mine.hear("ready")
        yield mine, log_out


def _is_sent_away(mine: Socket) -> None:
    try:
        end = str(mine.hear(passing=("heartbeat", "error")))
    except Closed as closed:
        end = str(closed)
    assert end.startswith("4401"), f"told after the end of the session: {end}"


def an_ended_session_hears_nothing_more(firm: Firm) -> None:
    """Logged out, the next thing that happens is not told."""
    with _session(firm) as (mine, log_out):
        log_out()
        emit(firm)
        _is_sent_away(mine)


def a_slow_store_tells_nothing_after_the_end(firm: Firm) -> None:
    """Logged out while the store is about to be read: what it holds by then is not told either."""
    hub = firm.running.app.state.hub
    missed, is_asked, may_answer = hub.missed, Event(), Event()

    async def slowly(*asked: Any) -> Any:
        is_asked.set()
        assert await asyncio.to_thread(may_answer.wait, LONGEST_S)
        return await missed(*asked)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hub, "missed", slowly)
        with _session(firm) as (mine, log_out):
            assert is_asked.wait(LONGEST_S), "the store is not asked"
            log_out()
            emit(firm)
            may_answer.set()
            _is_sent_away(mine)


def pages_of_other_sites_get_nothing(firm: Firm) -> None:
    """The cookie alone opens a WebSocket only from a page of the same address."""
    cookie = f"throughline_access={token(firm)}"
    own = firm.running.url
    with socket(firm.running, headers={"Cookie": cookie, "Origin": own}) as mine:
        mine.hear("ready")
    for origin in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {}):
        status = 101
        try:
            with socket(firm.running, headers={"Cookie": cookie, **origin}):
                pass
        except InvalidStatus as refused:
            status = refused.response.status_code
        assert status == 403, f"opened by the cookie, from {origin}"


def what_is_open_holds_back_what_is_newer(firm: Firm) -> None:
    """Events come in the order of the feed, also when an older transaction commits later."""
    with ExitStack() as stack:
        mine = stack.enter_context(socket(firm.running, token(firm)))
        written = stack.enter_context(lines(firm.running, token(firm)))
        mine.hear("ready")
        with transaction(firm, firm.a) as early:
            first = emit_in(early, firm.a)
            second = emit(firm)
            time.sleep(0.3)  # several turns of the tail, in which it must not be told
        assert [mine.hear()["entity"]["id"] for _ in range(2)] == [first, second]
        assert [written.hear()["entity"]["id"] for _ in range(2)] == [first, second]


def a_slow_one_holds_nothing(firm: Firm, *, count: int = 3_000) -> None:
    """Who does not read costs no more than a queue; the others are told in time; nothing is lost for anybody."""
    hub = firm.running.app.state.hub
    before = hub.overflow_count
    with ExitStack() as stack:
        quick = stack.enter_context(socket(firm.running, token(firm), topics="workflow.*"))
        quick.hear("ready")
        slow = stack.enter_context(Unread(firm, "/api/v1/realtime/subscribe?topics=workflow.*"))
        slow.wait_for(b"heartbeat")
        waiting = 0
        for _ in range(count // 100):
            emit(firm, count=100, big=BIG)
            waiting = max(waiting, *(len(each._queue) for each in _streams(hub)))
            for number in range(100):
                assert quick.hear()["data"]["number"] == number + 1
        assert waiting <= stream.MOST_WAITING, f"{waiting} messages wait for one listener"
        assert hub.overflow_count > before, "it was never sent back to the store"
        assert slow.numbers(count) == [number + 1 for _ in range(count // 100) for number in range(100)]


def _streams(hub: Any) -> list[Any]:
    return [each for streams in list(hub._streams.values()) for each in list(streams)]


class Unread:
    """A client whose socket nobody reads until ``numbers`` does."""

    def __init__(self, firm: Firm, path: str) -> None:
        self._link = sockets.socket()
        self._link.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4_096)
        url = httpx.URL(firm.running.url)
        self._link.connect((url.host, url.port))
        self._link.settimeout(30)
        lines = [f"GET {path} HTTP/1.1", "Host: x", f"Authorization: Bearer {token(firm)}"]
        if path.startswith("/ws"):
            lines += ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"]
            lines += ["Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="]
        self._link.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        self._text = b""

    def __enter__(self) -> Unread:
        return self

    def __exit__(self, *_: object) -> None:
        self._link.close()

    def wait_for(self, word: bytes) -> None:
        while word not in self._text:
            self._text += self._link.recv(4_096)

    def numbers(self, count: int) -> list[int]:
        """Of so many events, in the order in which they come."""
        found: list[int] = []
        deadline = time.monotonic() + 2 * LONGEST_S
        while len(found) < count:
            assert time.monotonic() < deadline, f"only {len(found)} of {count} came"
            part = self._link.recv(1 << 20)
            assert part, f"the stream ended after {len(found)} of {count}"
            self._text += part
            *whole, self._text = re.split(rb"\n\n", self._text)
            found += [int(n) for block in whole for n in re.findall(rb'"number":(\d+)', block)]
        return found


def nobody_takes_all_connections(firm: Firm) -> None:
    """A person's connections are counted, on both transports together, and given back."""
    most = firm.running.app.state.settings.realtime_per_user
    mine = token(firm, "viewer")
    for _ in range(2):
        with ExitStack() as stack:
            for _ in range(most):
                stack.enter_context(socket(firm.running, mine)).hear("ready")
            with lines(firm.running, mine) as refused:
                assert refused.response.status_code == 429, "one more than may be"
                assert refused.response.json()["error"]["code"] == "TOO_MANY_STREAMS"
            with socket(firm.running, mine) as too_many:
                assert too_many.hear("error")["error"]["code"] == "TOO_MANY_STREAMS"
                assert too_many.closed() == 4429
        deadline = time.monotonic() + 10
        while firm.running.app.state.hub.stream_count:
            assert time.monotonic() < deadline, "places are not given back"
            time.sleep(0.01)
