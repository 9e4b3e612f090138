"""Asking a service: what is repeated and what is not, how failures are told, and what is never said."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from serve.kernel.errors import NotConfigured, OutsideFailed, OutsideSlow
from serve.ports.breaker import FAILURES, PAUSE_S, Breaker, Resting
from serve.ports.way import OutsideAddressRefused, OutsideRefused, configured
from tests.serve.ports import calls
from tests.serve.ports.calls import (
    SECRET,
    Clock,
    Settings,
    hang_up,
    outside,
    problem_of,
    silence,
    status,
    stored,
)


class TestSettings:
    def test_all_that_are_missing_are_named_at_once(self):
        nothing = stored(None)
        nothing.secrets.clear()
        with pytest.raises(NotConfigured) as caught:
            configured(Settings, nothing)
        assert caught.value.details == [("base_url", "is not set"), ("api_key", "is not set")]
        assert "category tests" in caught.value.detail

    def test_what_has_a_default_need_not_be_set(self):
        settings = configured(Settings, stored())
        assert (settings.region, settings.api_key) == (None, SECRET)

    def test_a_secret_is_not_looked_for_among_what_is_shown(self):
        shown = stored()
        shown.secrets.clear()
        shown.values.api_key = "shown to everybody"
        with pytest.raises(NotConfigured):
            configured(Settings, shown)

    async def test_no_secret_is_said(self, caplog):
        caplog.set_level(logging.DEBUG)
        await calls.no_secret_is_said(caplog)

    async def test_nor_one_that_no_header_can_have(self, caplog):
        async with outside() as out:
            for key in ("schlüssel", "two\r\nX-Admin: 1"):
                service = out.ways.to(calls.Service, calls.TENANT, stored(api_key=key))
                problem = await problem_of(service.call("POST", "/"))
                assert isinstance(problem, OutsideFailed)
                assert key not in problem.detail + caplog.text
            assert out.world.requests == []


class TestRepeating:
    @pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
    @pytest.mark.parametrize("answer", [hang_up, status(500), status(502), status(429)])
    async def test_what_is_safe_to_repeat_is_repeated(self, method, answer):
        async with outside(answer, answer) as out:
            assert (await out.to().call(method, "/things/1")).status == 200
            assert [request.path for request in out.world.requests] == ["/v1/things/1"] * 3

    async def test_not_more_than_that(self):
        async with outside(*[status(500)] * 9) as out:
            await problem_of(out.to().call("GET", "/"))
            assert len(out.world.requests) == 3

    async def test_what_has_a_key_is_repeated_with_the_same(self):
        async with outside(hang_up, status(503)) as out:
            await out.to().call("POST", "/payments", json={"amount_cents": 1}, key="invoice-7")
            assert {request.headers["idempotency-key"] for request in out.world.requests} == {"invoice-7"}
            assert {request.body for request in out.world.requests} == {b'{"amount_cents":1}'}
            assert len(out.world.requests) == 3

    async def test_what_may_have_happened_is_not(self):
        await calls.what_may_have_happened_is_not_repeated()

    async def test_what_has_certainly_not_happened_is(self):
        """Too many requests: nothing was done. No connection: nothing was sent."""
        async with outside(status(429)) as out:
            await out.to().call("POST", "/payments", json={})
            assert len(out.world.requests) == 2
        async with outside() as out:
            out.world.names = {"gone.example": [["93.184.215.99"], ["93.184.215.14"]]}
            await out.to(base_url="http://gone.example").call("POST", "/payments", json={})
            assert len(out.world.requests) == 1

    async def test_no_is_no(self):
        async with outside(status(403)) as out:
            assert isinstance(await problem_of(out.to().call("GET", "/")), OutsideRefused)
            assert len(out.world.requests) == 1

    async def test_a_pause_that_the_service_asks_for_is_kept(self):
        async with outside(status(503, Retry_After="1")) as out:
            began = time.monotonic()
            await out.to().call("GET", "/")
            assert time.monotonic() - began >= 1

    @pytest.mark.parametrize("is_moment", [False, True], ids=["seconds", "a moment"])
    async def test_a_long_one_is_handed_on(self, is_moment):
        moment = format_datetime(datetime.now(UTC) + timedelta(seconds=3000), usegmt=True)
        async with outside(status(429, Retry_After=moment if is_moment else "60")) as out:
            problem = await problem_of(out.to().call("GET", "/"))
            assert int(problem.headers["Retry-After"]) >= 60
            assert len(out.world.requests) == 1


class TestFailures:
    async def test_a_slow_service(self):
        async with outside(silence) as out:
            problem = await problem_of(out.to().call("POST", "/"))
            assert isinstance(problem, OutsideSlow)
            assert (problem.status_code, problem.code) == (504, "OUTSIDE_SLOW")

    async def test_one_that_answers_something_else(self):
        async with outside(*[status(200, b'{"number": 1')] * 1) as out:
            problem = await problem_of(out.to().ask(calls.Thing, "GET", "/"))
            assert (problem.status_code, problem.code) == (502, "OUTSIDE_FAILED")

    async def test_one_that_never_ends(self):
        async with outside(status(200, b"x" * 1001)) as out:
            assert isinstance(await problem_of(out.to().call("GET", "/")), OutsideFailed)
            assert len(out.world.requests) == 1

    async def test_an_address_of_ours(self):
        async with outside() as out:
            service = out.to(base_url=f"http://127.0.0.1:{out.world.canary_port}")
            problem = await problem_of(service.call("GET", "/"))
            assert isinstance(problem, OutsideAddressRefused)
            assert problem.details == [("base_url", "127.0.0.1 is not a public address")]
            assert out.world.canary_calls == 0

    async def test_a_redirect_is_not_followed_with_our_key(self):
        async with outside(status(302, Location="http://other.example/")) as out:
            assert isinstance(await problem_of(out.to().call("GET", "/")), OutsideRefused)
            assert len(out.world.requests) == 1


class TestLeavingAlone:
    async def test_a_failing_service_is(self):
        await calls.a_failing_service_is_left_alone()

    def test_one_call_in_each_pause_tries(self):
        clock = Clock()
        breaker = Breaker(clock)
        for _ in range(FAILURES):
            breaker.admit()
            breaker.failed()
        with pytest.raises(Resting):
            breaker.admit()
        clock.now_s += PAUSE_S
        breaker.admit()
        with pytest.raises(Resting):  # somebody is trying
            breaker.admit()
        breaker.failed()
        clock.now_s += PAUSE_S - 1
        with pytest.raises(Resting):
            breaker.admit()
        clock.now_s += 1
        breaker.admit()
        breaker.succeeded()
        breaker.admit()
        breaker.admit()

    def test_failures_in_a_row_are_counted(self):
        breaker = Breaker(Clock())
        for _ in range(FAILURES * 3):
            breaker.failed()
            breaker.succeeded()
        breaker.admit()

    async def test_a_refusal_is_no_failure(self):
        async with outside(*[status(404)] * (FAILURES + 1)) as out:
            for _ in range(FAILURES + 1):
                assert isinstance(await problem_of(out.to().call("GET", "/")), OutsideRefused)
