"""The way out: one guard is taken away at a time, and the check that stands for it must notice.

The checks are those of ``tests/serve/ports`` and ``tests/serve/mails``; each is first asked with the guard in place.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from email.message import EmailMessage
from email.utils import make_msgid
from typing import Any

import httpx
import pytest

from serve.kernel.errors import Problem
from serve.platform.mails import delivery, rules
from serve.ports import breaker, way
from serve.ports.mail import smtp
from serve.ports.out import Answer, Door, addresses, door
from tests.serve.mails import faults
from tests.serve.mails.conftest import MAIL, MAILS, begin_to_deliver
from tests.serve.platform.smtp_listener import Listener
from tests.serve.ports import calls, corpus
from tests.surface.calls import Surface

Patch = pytest.MonkeyPatch
ROWS = {row.url: row for row in corpus.rows()}


def instead(owner: object, name: str, careless: object) -> Callable[[Patch], None]:
    """Something that looks at nothing in the place of what guards."""
    return lambda patch: patch.setattr(owner, name, careless)


# Addresses and calls


@dataclass(frozen=True)
class Sabotage:
    """``harm`` takes the guard away; ``check`` is what should notice."""

    harm: Callable[[Patch], None]
    check: Callable[[], Awaitable[None]]


def straight(url: str) -> Callable[[], Awaitable[None]]:
    return lambda: corpus.nobody_goes_there(ROWS[url])


def led(url: str) -> Callable[[], Awaitable[None]]:
    return lambda: corpus.nobody_is_led_there(ROWS[url])


def only_the_first(host: str, port: int, *, private_too: bool, look_up: Any) -> list[str]:
    found: list[str] = look_up(host, port)
    if not private_too and not addresses.is_public(found[0]):
        raise addresses.AddressRefused(host)
    return found[::-1]


def asked_again(patch: Patch) -> None:
    """What is checked is not what is dialled: the name is looked up once more."""
    check = addresses.checked

    def twice(host: str, port: int, *, private_too: bool, look_up: Any) -> list[str]:
        check(host, port, private_too=private_too, look_up=look_up)
        found: list[str] = look_up(host, port)
        return found

    patch.setattr(door, "checked", twice)


def redirects_by_another_door(patch: Patch) -> None:
    """Only the first address is looked at."""
    real = Door._answer

    async def careless(self: Door, method: str, url: str, *rest: Any) -> httpx.Response:
        headers, content, limits, sending = rest
        first = await real(self, method, url, headers, content, replace(limits, redirects=0), sending)
        if "location" not in first.headers:
            return first
        to = httpx.URL(url).join(first.headers["location"])
        network = self.transport._pool._network_backend
        open_door = Door(private_too=True, ports=(), look_up=network._look_up, network=network._network)
        return await real(open_door, method, str(to), headers, content, limits, sending)

    patch.setattr(Door, "_answer", careless)


async def all_of_it(response: httpx.Response, most_bytes: int) -> AsyncIterator[bytes]:
    async for chunk in response.aiter_raw():
        yield chunk


class Everything:
    def __contains__(self, name: object) -> bool:
        return True


def said_on(patch: Patch) -> None:
    """A refusal repeats what the service said."""

    def init(self: way.OutsideRefused, service: str, answer: Answer) -> None:
        Problem.__init__(self, f"{service} says {answer.body.decode()}")
        self.answer = answer

    patch.setattr(way.OutsideRefused, "__init__", init)


class Log:
    text = ""


OUT = {
    "every address is public": Sabotage(
        instead(addresses, "is_public", lambda text: True), straight("http://127.0.0.1:{port}/")
    ),
    "all of IPv6 is open": Sabotage(
        instead(addresses, "_OPEN_6", addresses.ip_network("::/0")), straight("http://[::1]:{port}/")
    ),
    "one public address is enough": Sabotage(
        instead(door, "checked", only_the_first), straight("http://both.example:{port}/")
    ),
    "the name is looked up again": Sabotage(asked_again, straight("http://rebind.example:{port}/")),
    "redirects are not looked at": Sabotage(redirects_by_another_door, led("http://127.0.0.1:{port}/")),
    "any port is called": Sabotage(
        instead(door, "check_url", lambda url, ports: None), straight("http://public.example:22/")
    ),
    "passwords in addresses are left there": Sabotage(
        instead(door, "check_url", lambda url, ports: None), straight("http://user@public.example:{port}/")
    ),
    "headers go along to another host": Sabotage(
        instead(door, "_KEPT", Everything()), corpus.headers_stay_at_home
    ),
    "answers have no limit": Sabotage(instead(door, "_chunks", all_of_it), corpus.answers_have_an_end),
    "whatever fails is repeated": Sabotage(
        instead(way, "SAFE_TO_REPEAT", Everything()), calls.what_may_have_happened_is_not_repeated
    ),
    "a failing service is asked for ever": Sabotage(
        instead(breaker.Breaker, "admit", lambda self: None), calls.a_failing_service_is_left_alone
    ),
    "what a service says is said on": Sabotage(said_on, lambda: calls.no_secret_is_said(Log())),
}


@pytest.mark.parametrize("name", OUT)
async def test_it_is_noticed(monkeypatch: Patch, name: str):
    await OUT[name].check()
    OUT[name].harm(monkeypatch)
    with pytest.raises(AssertionError):
        await OUT[name].check()


# Mails


def unknown(post: Post) -> None:
    with post.listening(dies_at="CONTENT") as (listener, mail):
        faults.leaves_the_unknown_to_a_person(post.firm, listener, mail, post.deliver)


def certain(post: Post) -> None:
    with post.listening(dies_at="DATA") as (listener, mail):
        faults.tries_again_what_never_went_out(post.firm, listener, mail, post.deliver)


def stopped(post: Post) -> None:
    with post.listening(silent_at="CONTENT") as (listener, mail):
        faults.survives_being_stopped(
            post.firm, listener, mail, lambda: begin_to_deliver(post.firm, mail), post.deliver
        )


class Post:
    """The mails of a firm."""

    def __init__(self, surface: Surface) -> None:
        self.firm = surface.firm
        state = self.firm.running.app.state
        state.mail = replace(state.mail, private_hosts=True, timeout_s=2.0)

    def deliver(self, mail: dict[str, Any]) -> Any:
        return begin_to_deliver(self.firm, mail).result(30)

    @contextmanager
    def listening(self, **how: Any) -> Iterator[tuple[Listener, dict[str, Any]]]:
        """A server that misbehaves so, and a mail for it."""
        with Listener(**how) as listener:
            to = {"smtp_host": "127.0.0.1", "smtp_port": listener.port, "security": "none"}
            client = self.firm.client()
            client.put("/api/v1/settings/email", json=to | {"from_address": "office@a.example"})
            yield listener, client.post(MAILS, json=MAIL).json()["data"]


def not_written_down(patch: Patch) -> None:
    """A byte goes out before anybody could know of it."""
    real = delivery.write

    async def write(db: Any, mail: Any, change: rules.Change) -> Any:
        return mail if change[0] == "mail.sending" else await real(db, mail, change)

    patch.setattr(delivery, "write", write)


def uncertain_is_later(patch: Patch) -> None:
    def later(why: str) -> rules.Change:
        return "mail.delayed", {"state": "queued", "error": why, "not_before": delivery.now()}

    patch.setattr(rules, "uncertain", later)


def a_new_id_each_time(patch: Patch) -> None:
    real = delivery.message_of

    def message_of(*args: Any) -> EmailMessage:
        message = real(*args)
        message.replace_header("Message-ID", make_msgid())
        return message

    patch.setattr(delivery, "message_of", message_of)


def half_a_mail_is_one(patch: Patch) -> None:
    """Whatever breaks off is taken for sent."""

    async def send(self: smtp.SmtpServer, message: EmailMessage) -> None:
        try:
            await real(self, message)
        except smtp.Unreachable:
            return

    real = smtp.SmtpServer.send
    patch.setattr(smtp.SmtpServer, "send", send)


MAIL_SABOTAGES: dict[str, tuple[Callable[[Patch], None], Callable[[Post], None]]] = {
    "sending is not written down first": (not_written_down, stopped),
    "what was left behind is sent": (
        instead(
            rules,
            "left_behind",
            lambda mail, now, timeout_s: ("mail.delayed", {"state": "queued", "not_before": now}),
        ),
        stopped,
    ),
    "a lost answer is taken for a refusal": (instead(smtp, "Unconfirmed", smtp.Unreachable), unknown),
    "what is uncertain is tried again": (uncertain_is_later, unknown),
    "each attempt has an id of its own": (a_new_id_each_time, unknown),
    "what broke off is taken for sent": (half_a_mail_is_one, certain),
}


@pytest.mark.parametrize("name", MAIL_SABOTAGES)
def test_it_is_noticed_of_mails(surface: Surface, monkeypatch: Patch, name: str):
    harm, check = MAIL_SABOTAGES[name]
    post = Post(surface)
    check(post)
    harm(monkeypatch)
    with pytest.raises(AssertionError):
        check(post)


def test_there_are_enough():
    assert len(OUT) + len(MAIL_SABOTAGES) >= 18
