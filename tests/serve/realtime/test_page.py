"""The page about realtime is what the program does."""

from __future__ import annotations

import re

from serve.platform.events.names import PAGE as NAMES
from serve.platform.realtime.page import PAGE
from tests.journeys.rows import LIST
from tests.serve.events.test_names import in_another_process


def test_the_page_is_up_to_date():
    code = "from serve.platform.realtime.page import as_markdown; print(as_markdown(), end='')"
    assert PAGE.read_text() == in_another_process(code), "run: python -m serve.platform.realtime.page"


def test_the_ten_that_front_ends_know_are_among_the_names():
    names = re.findall(r",WS,/ws,event ([a-z.]+):", LIST.read_text())
    assert len(names) == 10
    page = NAMES.read_text()
    assert [name for name in names if f"| `{name}` |" not in page] == []
