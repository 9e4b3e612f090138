"""The guide to a new port is true: its code, built from the page, asks a real server as the page says."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

import pytest

import serve.platform.settings
import serve.ports
from serve.kernel.errors import NotConfigured
from serve.platform.settings.categories import CATEGORIES
from serve.ports.out import Door
from serve.ports.way import Ways
from tests.serve.mails.conftest import caller_of
from tests.serve.ports.internet import internet, say

GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "new-port.md"
PART = re.compile(r"^`(serve/[\w/]+\.py)`:.*?```python\n(.*?)```", re.DOTALL | re.MULTILINE)
USE = re.compile(r"^In the place where it is used.*?```python\n(.*?)```", re.DOTALL | re.MULTILINE)


@pytest.fixture
def use(tmp_path, monkeypatch):
    """The page's service, as a dictionary of names; everything of it is gone afterwards."""
    text = GUIDE.read_text()
    parts = dict(PART.findall(text))
    assert len(parts) == 2
    for path, code in parts.items():
        file = tmp_path / path
        file.parent.mkdir(parents=True)
        file.write_text(code)
    for package in (serve.ports, serve.platform.settings):
        folder = tmp_path / package.__name__.replace(".", "/")
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])
    category = importlib.import_module("serve.platform.settings.parcels").PARCELS
    monkeypatch.setitem(CATEGORIES, category.name, category)
    [code] = USE.findall(text)
    names: dict = {}
    exec(compile(code, "service", "exec"), names)  # the page's own code
    yield names
    for name in ("serve.ports.parcels", "serve.platform.settings.parcels"):
        del sys.modules[name]
        package, _, module = name.rpartition(".")
        delattr(sys.modules[package], module)


async def test_it_does_what_the_page_says(firm, use):
    client, state, caller = firm.client(), firm.running.app.state, caller_of(firm)
    where_is = use["where_is"]
    async with internet() as world:
        ways = Ways(Door(look_up=world.look_up, network=world))
        database = type(state.database)(state.database._address, size=1, vault=state.database.vault)

        with pytest.raises(NotConfigured) as missing:
            await where_is(database, ways, caller, "P 1")
        assert missing.value.details == [("api_key", "is not set")]

        set_to = {"base_url": "http://public.example/v1/", "api_key": "s3cret"}
        shown = client.put("/api/v1/settings/parcels", json=set_to)
        assert shown.json()["data"] == {"base_url": set_to["base_url"], "api_key_is_set": True}

        async def found(request, writer):
            await say(writer, 200, b'{"number": "P 1", "place": "Bremen"}')

        async def unknown(request, writer):
            await say(writer, 404)

        world.answers = [found, unknown]
        parcel = await where_is(database, ways, caller, "P 1")
        assert (parcel.number, parcel.place) == ("P 1", "Bremen")
        assert world.requests[0].path == "/v1/parcels/P%201"
        assert world.requests[0].headers["authorization"] == "bearer s3cret"  # names and values lowered
        assert await where_is(database, ways, caller, "P 2") is None
        assert "s3cret" not in str(firm.sql("select * from settings where category = 'parcels'"))
        await ways.close()
        await database.close()
