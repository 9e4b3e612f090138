"""Where a stranger's address may lead, what is sent there and what is read of it."""

from __future__ import annotations

import asyncio
import gzip
import logging
import socket
import threading
from collections import Counter

import httpx
import pytest

from serve.ports.out import AddressRefused, Answer, Limits, TooLarge, Unanswered, Unreachable
from serve.ports.out.addresses import is_public
from tests.serve.platform.smtp_listener import certificate
from tests.serve.ports import corpus
from tests.serve.ports.corpus import LIMITS, door
from tests.serve.ports.internet import PUBLIC, internet, say, to

ROWS = corpus.rows()


class TestCorpus:
    @pytest.mark.parametrize("row", ROWS, ids=str)
    async def test_nobody_goes_there(self, row):
        await corpus.nobody_goes_there(row)

    @pytest.mark.parametrize("row", ROWS, ids=str)
    async def test_nobody_is_led_there(self, row):
        await corpus.nobody_is_led_there(row)

    def test_it_is_large_enough(self):
        assert len({row.url for row in ROWS}) >= 120
        kinds = Counter(row.kind for row in ROWS)
        assert len(kinds) >= 18
        assert min(kinds.values()) >= 2

    async def test_without_the_rule_the_canary_is_reached(self):
        """Otherwise nothing of the above would mean anything."""
        reached = set()
        for row in ROWS:
            async with internet() as world:
                world.names = row.names()
                await corpus.visit(world, row.url, door(world, private_too=True))
                if world.canary_calls or world.wrongly_dialled:
                    reached.add(row.url)
        assert len(reached) >= 60


class TestAddresses:
    @pytest.mark.parametrize(
        "address",
        [
            *(
                "1.1.1.1",
                "9.9.9.9",
                "172.15.255.255",
                "172.32.0.1",
                "100.63.255.255",
                "100.128.0.1",
                "223.255.255.1",
            ),
            *("2606:4700:4700::1111", "2a00:1450:4001::1", "::ffff:9.9.9.9", "64:ff9b::909:909", "192.0.1.1"),
        ],
    )
    def test_everybodys_network_is_open(self, address):
        assert is_public(address)

    @pytest.mark.parametrize("text", ["", "localhost", "1.1.1", "fe80::1%1", "2606:4700::1%1", "1.1.1.1 "])
    def test_what_is_no_address_is_not(self, text):
        assert not is_public(text)

    async def test_the_second_address_is_tried_when_the_first_does_not_answer(self):
        async with internet() as world:
            world.names = {"two.example": [["93.184.215.99", PUBLIC[0]]]}  # nobody is at the first
            way = door(world)
            assert (await way.send("GET", "http://two.example/", limits=LIMITS)).status == 200
            assert [host for host, _ in world.dialled] == ["93.184.215.99", PUBLIC[0]]
            assert world.looked_up == ["two.example"]
            await way.close()

    async def test_a_name_that_leads_nowhere(self):
        async with internet() as world:
            with pytest.raises(Unreachable, match="no connection"):
                await door(world).send("GET", "http://nowhere.example/", limits=LIMITS)

    async def test_names_that_nobody_answers_for_leave_the_process_its_threads(self):
        """Many more of them than it has: what else needs a thread gets one."""
        async with internet() as world:
            let_go, begun = threading.Event(), []

            def slow(host: str, port: int) -> list[str]:
                begun.append(host)
                let_go.wait(10)
                return [PUBLIC[0]]

            world.look_up = slow
            way = door(world)
            waiting = [
                asyncio.create_task(way.send("GET", f"http://{number}.slow.example/", limits=LIMITS))
                for number in range(100)
            ]
            async with asyncio.timeout(2):
                while len(begun) < 32:
                    await asyncio.sleep(0.01)
                assert await asyncio.to_thread(lambda: "done") == "done"
            let_go.set()
            await asyncio.gather(*waiting)
            await way.close()

    async def test_a_slow_name_is_not_waited_for(self):
        async with internet() as world:
            let_go = asyncio.Event()
            loop = asyncio.get_running_loop()

            def slow(host: str, port: int) -> list[str]:
                asyncio.run_coroutine_threadsafe(let_go.wait(), loop).result(10)
                return [PUBLIC[0]]

            world.look_up = slow
            with pytest.raises(Unreachable) as caught:
                await door(world).send("GET", "http://public.example/", limits=Limits(within_s=0.2))
            assert caught.value.was_slow
            let_go.set()
            assert world.dialled == []


class TestRedirects:
    async def test_within_the_public_they_are_followed(self):
        async with internet() as world:
            world.answers = [to("/next"), to("http://other.example/last", 307)]
            answer = await corpus.visit(world, "http://public.example/", door(world))
            assert isinstance(answer, Answer)
            assert answer.url == "http://other.example/last"
            assert [request.path for request in world.requests] == ["/", "/next", "/last"]

    async def test_not_for_ever(self):
        async with internet() as world:
            world.answers = [to("/again")] * 20
            found = await corpus.visit(world, "http://public.example/", door(world))
            assert isinstance(found, AddressRefused)
            assert len(world.requests) == LIMITS.redirects + 1

    async def test_what_changes_something_is_not_sent_on(self):
        async with internet() as world:
            world.answers = [to("http://other.example/", 307)]
            way = door(world)
            answer = await way.send("POST", "http://public.example/", content=b"pay", limits=LIMITS)
            await way.close()
            assert answer.status == 307
            assert len(world.requests) == 1

    async def test_nor_is_what_was_encrypted_sent_on_in_clear(self):
        from serve.ports.out.door import _next

        with pytest.raises(AddressRefused, match="HTTPS to HTTP"):
            _next(httpx.URL("https://public.example/"), "http://public.example/")

    async def test_headers_stay_at_home(self):
        await corpus.headers_stay_at_home()


class TestLimits:
    async def test_size(self):
        await corpus.answers_have_an_end()

    async def test_at_the_limit_it_is_read_and_one_byte_above_it_is_not(self):
        async with internet() as world:

            async def ten(request, writer):
                await say(writer, 200, b"0123456789")

            world.answers = [ten, ten]
            way = door(world)
            url = "http://public.example/"
            assert (await way.send("GET", url, limits=Limits(most_bytes=10))).body == b"0123456789"
            with pytest.raises(TooLarge):
                await way.send("GET", url, limits=Limits(most_bytes=9))
            await way.close()

    async def test_time_for_all_of_it(self):
        """Each single byte comes in time; the whole does not."""
        async with internet() as world:

            async def drops(request, writer):
                writer.write(b"HTTP/1.1 200 so\r\nContent-Length: 1000\r\n\r\n")
                for _ in range(1000):
                    writer.write(b"x")
                    await writer.drain()
                    await asyncio.sleep(0.01)

            world.answers = [drops]
            way = door(world)
            with pytest.raises(Unanswered) as caught:
                await way.send("GET", "http://public.example/", limits=Limits(within_s=0.3))
            assert caught.value.was_slow
            await way.close()

    async def test_nothing_is_unpacked(self):
        async with internet() as world:

            async def bomb(request, writer):
                assert request.headers["accept-encoding"] == "identity"
                await say(writer, 200, gzip.compress(bytes(50_000_000)), [("Content-Encoding", "gzip")])

            world.answers = [bomb]
            found = await corpus.visit(world, "http://public.example/", door(world))
            assert isinstance(found, TooLarge)

    async def test_a_connection_that_breaks_off_may_have_been_heard(self):
        async with internet() as world:

            async def gone(request, writer):
                writer.transport.abort()

            world.answers = [gone]
            found = await corpus.visit(world, "http://public.example/", door(world))
            assert isinstance(found, Unanswered)


class TestNothingElseIsUsed:
    async def test_no_proxy_of_the_environment(self, monkeypatch):
        async with internet() as world:
            for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
                monkeypatch.setenv(name, f"http://127.0.0.1:{world.canary_port}")
            answer = await corpus.visit(world, "http://public.example/", door(world))
            assert isinstance(answer, Answer)
            assert world.canary_calls == 0

    async def test_no_cookie_of_another_call(self):
        async with internet() as world:

            async def set_cookie(request, writer):
                await say(writer, 200, b"", [("Set-Cookie", "session=of-somebody; Path=/")])

            world.answers = [set_cookie]
            way = door(world)
            for _ in range(2):
                await way.send("GET", "http://public.example/", limits=LIMITS)
            await way.close()
            assert "cookie" not in world.requests[1].headers

    async def test_no_socket_of_this_machine(self):
        async with internet() as world:
            with pytest.raises(AddressRefused):
                await door(world).transport._pool._network_backend.connect_unix_socket("/var/run/docker.sock")

    async def test_nothing_of_an_address_is_logged(self, caplog):
        caplog.set_level(logging.DEBUG)
        async with internet() as world:
            way = door(world)
            await way.send("GET", "http://public.example/s3cret?key=s3cret", limits=LIMITS)
            await way.close()
        assert "s3cret" not in caplog.text

    async def test_a_client_of_a_library_goes_through_the_same_door(self):
        async with internet() as world:
            world.answers = [to(f"http://127.0.0.1:{world.canary_port}/")]
            client = httpx.AsyncClient(transport=door(world).transport, follow_redirects=True)
            with pytest.raises(AddressRefused):
                await client.get("http://public.example/")
            assert world.canary_calls == 0
            await client.aclose()

    async def test_the_certificate_is_asked_for_the_name(self):
        """Not for the address that is dialled: the server sees the name in the first message of TLS."""
        heard = asyncio.get_running_loop().create_future()

        async def listen(reader, writer):
            heard.set_result(await reader.read(2000))
            writer.close()

        async with internet() as world:
            server = await asyncio.start_server(listen, "127.0.0.1", 0)
            world.public_port = server.sockets[0].getsockname()[1]
            found = await corpus.visit(world, "https://public.example/", door(world))
            assert isinstance(found, Unreachable)
            assert b"public.example" in await heard
            server.close()


@pytest.mark.parametrize(("host", "is_trusted"), [("localhost", True), ("public.example", False)])
async def test_the_certificate_must_be_of_the_name(tmp_path, monkeypatch, host, is_trusted):
    """And of an authority that this machine trusts; the address that is dialled is of no interest."""
    context, trusted = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    async with internet() as world:
        world.names = {"localhost": [[PUBLIC[0]]]}
        server = await asyncio.start_server(world._serve, "127.0.0.1", 0, ssl=context)
        world.public_port = server.sockets[0].getsockname()[1]
        found = await corpus.visit(world, f"https://{host}/", door(world))
        server.close()
        assert isinstance(found, Answer if is_trusted else Unreachable)
        assert len(world.requests) == is_trusted


def test_the_system_is_asked_for_names():
    from serve.ports.out import look_up

    assert set(look_up("localhost", 80)) <= {"127.0.0.1", "::1"}
    with pytest.raises(socket.gaierror):
        look_up("nowhere.invalid", 80)
