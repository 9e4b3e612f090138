"""Every way in which a call can fail, by its code: one row for each class of Problem that the program has."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import NamedTuple

from serve.kernel.errors import Problem


class AmbiguousCode(RuntimeError):
    """A programming mistake: two failures have one code, so no program can tell them apart."""


class Entry(NamedTuple):
    code: str
    status: int
    message: str


def catalogue() -> list[Entry]:
    """All that is imported, by status and code. Raises AmbiguousCode."""
    found: dict[str, type[Problem]] = {}
    for kind in _all(Problem):
        if "code" not in vars(kind):  # it says what the one says that it is a kind of
            continue
        other = found.setdefault(kind.code, kind)
        if (
            other.__qualname__ != kind.__qualname__
        ):  # a resource declared twice, as tests do, is no second failure
            raise AmbiguousCode(f"{kind.code} is the code of {_name(other)} and of {_name(kind)}")
    entries = [Entry(kind.code, kind.status, kind.message) for kind in found.values()]
    return sorted(entries, key=lambda entry: (entry.status, entry.code))


def as_markdown() -> str:
    """The page ``docs/api/errors.md``."""
    rows = "\n".join(f"| `{code}` | {status} | {message} |" for code, status, message in catalogue())
    return f"""# Errors

Made by `python -m serve.platform.docs.errors`; a test compares it with the program.

Every answer that is no success is `{{"success": false, "error": {{"code", "message", "details", "request_id"}}}}`.
Programs decide by `code`, which never changes its meaning; `message` is for people and may say more than here. A
client that sends `Accept: application/problem+json` gets RFC 9457 instead, whose `type` is the address of a row of
this page, served at `/docs/errors`.

| code | status | message |
|---|---|---|
{rows}
"""


def as_html() -> str:
    """The page behind a problem's ``type``; each code is an anchor."""
    rows = "".join(
        f'<tr id="{code}"><td><code>{code}</code></td><td>{status}</td><td>{escape(message)}</td></tr>\n'
        for code, status, message in catalogue()
    )
    return (
        '<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>Errors</title>\n'
        "<h1>Errors</h1>\n<table>\n<tr><th>code</th><th>status</th><th>message</th></tr>\n"
        f"{rows}</table>\n</html>\n"
    )


def _all(kind: type[Problem]) -> Iterator[type[Problem]]:
    """The program's own subclasses; tests make some too."""
    yield kind
    for below in kind.__subclasses__():
        if below.__module__.startswith("serve."):
            yield from _all(below)


def _name(kind: type[Problem]) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"
