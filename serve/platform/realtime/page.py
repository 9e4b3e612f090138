"""Write ``docs/api/realtime.md``: ``python -m serve.platform.realtime.page``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import BaseModel

from serve.kernel.openapi import example_of
from serve.platform.realtime.conversation import AUTH_S, CLOSES, MOST_MESSAGE_BYTES
from serve.platform.realtime.schemas import SAID, SPOKEN

PAGE = Path(__file__).parents[3] / "docs" / "api" / "realtime.md"

_HEAD = f"""# Events live

Made by `python -m serve.platform.realtime.page`; a test compares it with the program.

Two ways, told the same, by any process of the API:

- `WS /ws`, a WebSocket; both sides say JSON objects with a `type`.
- `GET /api/v1/realtime/subscribe`, server-sent events: each event is a `data:` with its `id:`, so `onmessage` of an
  EventSource hears them all. A comment every 15 s keeps the connection alive. `event: end` says why there are no
  more. `follow=false` ends with what was missed.

**What you are told.** Events of your tenants (an umbrella's children too) that your role or key may read; each is
looked at when it is sent. Of a notification only the person it is for hears. Personal values are `{{"sealed":
null}}`: read the row.

`docs/api/events.md` lists the names, and the permission that each takes.

**Topics** choose among these: `*`, a name (`lead.created`), `lead.*`, `entity:lead`, `entity:lead:<id>`; as
`?topics=a,b`, on a WebSocket also with `subscribe` and `unsubscribe`. Unknown ones are an error.

**Order and completeness** are those of the change feed (`GET /api/v1/events`): every event once, in one order, the
same for everybody. Come back with the last `id` (`Last-Event-ID`, or `?last_event_id=`), to whichever process, and
you are told all that came in between before what is new. Without one you begin now. An unknown id is 410 or close
code 4410: begin without. An event comes once nothing earlier can come any more: usually within 0.1 s, but a
transaction that writes for long, of whichever tenant, holds back what is newer. A hint (`is_transient`, no `id`) is
told at once, to whoever listens, never again.

**Who you are**, on a WebSocket: `Authorization` or `X-API-Key` as everywhere; or, from a page, subprotocols
`throughline, bearer.<token>`; or the log-in cookie, if the page is of this address; or `auth` as the first message
within {AUTH_S:.0f} s. Tokens live ten minutes: send `auth` with a new one before `expires_at`, or come back. A
stream of server-sent events ends with its token.

**Slow clients** are read to from the store at their own pace; who reads nothing for 30 s is disconnected. Messages
of a client may have {MOST_MESSAGE_BYTES:,} bytes. How many connections a person and a tenant may have:
`docs/operations/settings.md`.
"""


def as_markdown() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *_messages(), *_closes()])


def _messages() -> Iterator[str]:
    yield "## The server says\n"
    yield from _described(SAID)
    yield "\n## The client says, on a WebSocket\n"
    yield from _described(SPOKEN)


def _described(models: Iterable[type[BaseModel]]) -> Iterator[str]:
    for model in models:
        example = json.dumps(example_of(model), ensure_ascii=False)
        kind = model.model_fields["type"].annotation.__args__[0]  # type: ignore[union-attr]
        yield f"- **{kind}**: {(model.__doc__ or '').strip()}\n  `{example}`"


def _closes() -> Iterator[str]:
    yield "\n## Why a WebSocket is closed\n\n| code | reason | what it means |\n|---|---|---|"
    for reason, (code, meaning) in CLOSES.items():
        yield f"| {code} | `{reason}` | {meaning} |"
    yield ""


if __name__ == "__main__":
    PAGE.write_text(as_markdown())
