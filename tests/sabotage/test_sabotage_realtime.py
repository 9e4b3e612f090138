"""One guard of realtime is taken away at a time, and the promise that stands for it must notice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from serve.kernel.realtime import messages, store, stream
from serve.kernel.realtime.audience import Audience
from serve.kernel.realtime.hub import Hub
from serve.kernel.realtime.messages import Message
from serve.platform.realtime import handshake
from tests.serve.firm import Firm
from tests.serve.realtime import promises
from tests.surface.calls import Surface

Patch = pytest.MonkeyPatch


def instead(owner: object, name: str, careless: object) -> Callable[[Surface, Patch], None]:
    return lambda surface, patch: patch.setattr(owner, name, careless)


def everybody_is_addressed(surface: Surface, patch: Patch) -> None:
    patch.setattr(surface.firm.running.app.state.hub.audience, "_addressed", set())


def nobody_waits_for_older_ones(surface: Surface, patch: Patch) -> None:
    for name in ("_TAIL", "_MISSED"):
        patch.setattr(store, name, getattr(store, name).replace("e.change_xid < h.horizon", "true"))


def places_are_endless(surface: Surface, patch: Patch) -> None:
    hub = surface.firm.running.app.state.hub
    patch.setattr(hub, "_most_of_user", 10**6)


def the_store_tells_of_all(surface: Surface, patch: Patch) -> None:
    """Row security is off, and the statement asks for more than the caller's tenants."""
    surface.firm.sql("alter table events disable row level security")
    own = "string_to_array(current_setting('app.tenant_ids'), ',')::uuid[]"
    everybody = f"array['{surface.firm.a}', '{surface.firm.b}']::uuid[]"
    patch.setattr(store, "_MISSED", store._MISSED.replace(own, everybody))


def only_what_is_live(surface: Surface, patch: Patch) -> None:
    """A full queue is emptied, and nobody goes back for what was in it."""
    offer = stream.Stream.offer

    def careless(self: stream.Stream, found: list[Message], until: Any) -> None:
        offer(self, found, until)
        if self.is_behind and self.has_caught_up:
            self._place = until

    patch.setattr(stream.Stream, "offer", careless)


async def whoever(self: stream.Stream, *before: object) -> bool:
    return True


SABOTAGES: dict[str, tuple[Callable[[Surface, Patch], None], Callable[[Firm], None]]] = {
    "the hub hands everything to everybody": (
        instead(Hub, "_within", lambda self, reach, found: list(found)),
        promises.tenants_are_kept_apart,
    ),
    "the store tells of every tenant": (the_store_tells_of_all, promises.the_past_is_kept_apart),
    "every event takes the same permission": (
        instead(Audience, "permission", lambda self, name, entity: "self:read"),
        promises.permissions_count,
    ),
    "notifications are for everybody": (everybody_is_addressed, promises.only_the_addressed_hear),
    "sealed values are sent as they are": (
        instead(messages, "_unsealed", lambda values: values),
        promises.personal_values_stay_sealed,
    ),
    "nobody is asked again who listens": (
        instead(stream.Stream, "_is_welcome", whoever),
        promises.an_expired_token_ends_it,
    ),
    "sessions are looked at only in the beginning": (
        instead(stream.Stream, "_is_welcome", whoever),
        promises.an_ended_session_hears_nothing_more,
    ),
    "nobody is asked again once the store has answered": (
        instead(stream.Stream, "_is_still", whoever),
        promises.a_slow_store_tells_nothing_after_the_end,
    ),
    "the origin is not looked at": (
        instead(handshake, "is_of_this_site", lambda headers: True),
        promises.pages_of_other_sites_get_nothing,
    ),
    "what has not settled is told": (
        nobody_waits_for_older_ones,
        promises.what_is_open_holds_back_what_is_newer,
    ),
    "queues have no end": (instead(stream, "MOST_WAITING", 10**9), promises.a_slow_one_holds_nothing),
    "what a full queue held is forgotten": (only_what_is_live, promises.a_slow_one_holds_nothing),
    "connections are not counted": (places_are_endless, promises.nobody_takes_all_connections),
}


@pytest.mark.parametrize("name", SABOTAGES)
def test_it_is_noticed(surface: Surface, monkeypatch: Patch, name: str):
    harm, promise = SABOTAGES[name]
    promise(surface.firm)
    harm(surface, monkeypatch)
    with pytest.raises((AssertionError, httpx.ReadTimeout)):
        promise(surface.firm)
