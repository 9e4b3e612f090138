"""The addresses of ``tests/surface/corpora/ssrf.csv`` and what is promised of them, as plain functions.

They raise AssertionError, and the sabotage tests call them with a guard taken away.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from serve.ports.out import Answer, Door, Limits, OutError
from tests.serve.ports.internet import Internet, internet, to

FILE = Path(__file__).parents[2] / "surface" / "corpora" / "ssrf.csv"
LIMITS = Limits(within_s=5.0)


@dataclass(frozen=True)
class Row:
    """``dns`` is ``name=address address | next answer``."""

    kind: str
    url: str
    dns: str

    def names(self) -> dict[str, list[list[str]]]:
        if not self.dns:
            return {}
        name, _, answers = self.dns.partition("=")
        return {name: [each.split() for each in answers.split("|")]}

    def __str__(self) -> str:
        return self.url


def rows() -> list[Row]:
    with FILE.open(newline="", encoding="utf-8") as lines:
        return [Row(**row) for row in csv.DictReader(lines)]


def door(world: Internet, *, private_too: bool = False) -> Door:
    """Ports of the web, and the canary's: the address is what has to be noticed."""
    return Door(
        private_too=private_too, ports={80, 443, world.canary_port}, look_up=world.look_up, network=world
    )


async def visit(world: Internet, url: str, way: Door) -> Answer | OutError:
    try:
        return await way.send("GET", url.replace("{port}", str(world.canary_port)), limits=LIMITS)
    except OutError as error:
        return error
    finally:
        await way.close()


async def nobody_goes_there(row: Row) -> None:
    """Called directly: refused, and nothing but public addresses is dialled. Twice, because names change."""
    async with internet() as world:
        world.names = row.names()
        for time in range(2):
            found = await visit(world, row.url, door(world))
            if row.kind != "rebinding" or time:
                assert isinstance(found, OutError), f"{row}: {found}"
        assert (world.canary_calls, world.wrongly_dialled) == (0, []), row


async def nobody_is_led_there(row: Row) -> None:
    """As what a public server redirects to: nothing but public addresses is dialled."""
    async with internet() as world:
        world.names = row.names()
        for status in (301, 302, 303, 307, 308):
            world.answers = [to(row.url.replace("{port}", str(world.canary_port)), status)]
            found = await visit(world, "http://public.example/page", door(world))
            assert not isinstance(found, Answer) or b"secret" not in found.body, row
        assert world.requests, "the redirect was never asked for"
        assert (world.canary_calls, world.wrongly_dialled) == (0, []), row


async def headers_stay_at_home() -> None:
    """What we send to one host is not sent to the one that it names."""
    async with internet() as world:
        world.answers = [to("http://other.example/next")]
        way = door(world)
        sent = {"Authorization": "Bearer t0p", "X-Api-Key": "t0p", "Cookie": "a=t0p", "Accept": "text/html"}
        await way.send("GET", "http://public.example/", headers=sent, limits=LIMITS)
        await way.close()
        first, second = world.requests
        assert first.headers["x-api-key"] == "t0p"
        assert (second.headers["host"], second.headers["accept"]) == ("other.example", "text/html")
        assert "t0p" not in str(second.headers)


async def answers_have_an_end(most_bytes: int = 100_000) -> None:
    """An endless answer is left at the limit."""
    read = 0
    async with internet() as world:

        async def endless(request: object, writer: object) -> None:
            nonlocal read
            writer.write(b"HTTP/1.1 200 so\r\nTransfer-Encoding: chunked\r\n\r\n")  # type: ignore[attr-defined]
            for _ in range(1000):
                writer.write(b"2710\r\n" + b"x" * 10_000 + b"\r\n")  # type: ignore[attr-defined]
                await writer.drain()  # type: ignore[attr-defined]
                read += 10_000
            writer.write(b"0\r\n\r\n")  # type: ignore[attr-defined]

        world.answers = [endless]
        way = door(world)
        limits = Limits(within_s=5.0, most_bytes=most_bytes)
        try:
            answer = await way.send("GET", "http://public.example/", limits=limits)
        except OutError:
            return
        finally:
            await way.close()
        raise AssertionError(f"{len(answer.body)} bytes were read, {most_bytes} are allowed")
