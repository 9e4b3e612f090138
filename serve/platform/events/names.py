"""Write ``docs/api/events.md``: ``python -m serve.platform.events.names``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from serve.kernel.events import Event, catalogue
from serve.kernel.realtime.audience import Audience
from serve.kernel.tables import all_tables

PAGE = Path(__file__).parents[3] / "docs" / "api" / "events.md"

_HEAD = """# Events

Made by `python -m serve.platform.events.names`; a test compares it with the program.

Everything that happens is one event, written in the transaction that did it. `GET /api/v1/events?after=`
follows them in an order that never changes, `GET /api/v1/audit` looks back, and a reader inside the service
(`serve/kernel/relay.py`) gets each one exactly once. `name` says what happened; `before` and `after` hold what
changed of the row. Personal values are encrypted with a key of the person: only the row's own history shows
them.

Categories: `change` is an edit, `read` is somebody looking at something sensitive, `security` is about access.
The last two need the permission `audit:read`. A `hint` is no event: it is told to those who listen at that moment
([realtime](realtime.md)) and kept nowhere. Changes and hints are heard live by whoever has the permission named here.
"""


def known() -> list[Event]:
    """Every name that an event can have, in order; imports the whole service to find them."""
    import serve.app  # noqa: F401 - so that every name has been declared

    return list(catalogue(all_tables()))


def as_markdown(events: Iterable[Event]) -> str:
    heard = Audience(all_tables()).names
    rows = "\n".join(
        f"| `{one.name}` | {one.category} | {_permission(heard.get(one.name))} | {one.meaning} |"
        for one in events
    )
    return f"{_HEAD}\n| name | category | heard live with | when |\n|---|---|---|---|\n{rows}\n"


def _permission(word: str | None) -> str:
    return f"`{word}`" if word else ""


if __name__ == "__main__":
    PAGE.write_text(as_markdown(known()))
