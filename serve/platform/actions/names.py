"""Write ``docs/api/actions.md``: ``python -m serve.platform.actions.names``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from serve.kernel.actions.action import Action

PAGE = Path(__file__).parents[3] / "docs" / "api" / "actions.md"

_HEAD = """# Actions

Made by `python -m serve.platform.actions.names`; a test compares it with the program. An id is for good: schedules,
workflows, saved batches and MCP clients name operations by it, so one that disappears or changes is a break like a path
that does.

Risk: `read` changes nothing; `write` changes something of one's own business; `risky` takes away, changes much at once,
reaches outside or changes who may what, and an MCP client must have it confirmed. Dry run: `X-Dry-Run: true` says what
would happen. An operation that is no action says why; nothing but a request from outside may ask for it.
"""


def known() -> list[Action]:
    """Every operation of the service that is in its document, by id."""
    from serve.app import create_app

    operations = create_app().state.actions.operations()
    return sorted((each for each in operations if each.route.include_in_schema), key=lambda each: each.id)


def as_markdown(actions: Iterable[Action]) -> str:
    rows = "\n".join(
        f"| `{one.id}` | {one.method} {one.path} | {f'`{one.permission}`' if one.permission else ''} | {one.risk} |"
        f" {'yes' if one.offers_dry_run and one.risk != 'read' else ''} | {one.left_out or ''} |"
        for one in actions
    )
    return f"{_HEAD}\n| id | operation | permission | risk | dry run | no action |\n|---|---|---|---|---|---|\n{rows}\n"


if __name__ == "__main__":
    PAGE.write_text(as_markdown(known()))
