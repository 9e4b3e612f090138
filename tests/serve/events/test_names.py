"""The catalogue of names is complete, and its page is what the program says."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import serve
from serve.kernel.tables import all_tables
from serve.platform.events.names import PAGE, as_markdown, known

SERVE = Path(serve.__file__).parent
TAKES_A_NAME = {"Note", "Rule", "note_read", "note_security", "_record"}
"""Calls that are given the name of an event, among other words."""


def names_in(source: str) -> Iterator[str]:
    """The names that a module writes or waits for, as far as they stand there as words."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        words = node.args if called in TAKES_A_NAME else []
        words = [*words, *(word.value for word in node.keywords if word.arg == "event")]
        for word in words:
            if isinstance(word, ast.Constant) and isinstance(word.value, str):
                entity, dot, verb = word.value.partition(".")
                if word.value == "logout" or (dot and f"{entity}{verb}".replace("_", "").isalpha()):
                    yield word.value


def in_another_process(code: str) -> str:
    """Other tests declare resources of their own, which are no part of the service."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=SERVE.parent)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_page_is_up_to_date():
    code = "from serve.platform.events.names import as_markdown, known; print(as_markdown(known()), end='')"
    assert PAGE.read_text() == in_another_process(code), "run: python -m serve.platform.events.names"


def test_every_entity_has_its_names():
    names = {event.name for event in known()}
    for table in all_tables().tables.values():
        if "entity" in table.info:
            verbs = {"created", "updated", "removed"}
            verbs |= {"deleted", "restored"} if "deleted_at" in table.columns else set()
            verbs |= {"exported", "history_read"} if table.info["personal"] else set()
            assert {f"{table.info['entity']}.{verb}" for verb in verbs} <= names


def test_every_name_in_the_program_is_declared():
    found = {name for file in SERVE.rglob("*.py") for name in names_in(file.read_text())}
    assert {"login.failed", "account.created"} <= found  # the search finds something
    assert found - {event.name for event in known()} == set()


def test_a_name_is_said_once_and_has_a_meaning():
    events = known()
    assert len({event.name for event in events}) == len(events)
    for event in events:
        assert event.meaning.endswith(".")
        assert f"| `{event.name}` | {event.category} |" in as_markdown(events)
