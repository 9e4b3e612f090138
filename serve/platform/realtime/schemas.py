"""What listeners are told, what they may say on a WebSocket, and how they ask."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter

from serve.kernel.envelope import Output
from serve.kernel.errors import ErrorDetail
from serve.kernel.realtime.audience import MOST_TOPICS

Topic = Annotated[str, Field(min_length=1, max_length=200)]


def _split(asked: Any) -> Any:
    """``a,b`` is ``a`` and ``b``, whether sent once or as two parameters."""
    words = asked if isinstance(asked, list) else [asked]
    return [part.strip() for word in words for part in (word.split(",") if isinstance(word, str) else [word])]


Topics = Annotated[list[Topic], BeforeValidator(_split), Field(max_length=MOST_TOPICS)]


class ListenQuery(BaseModel):
    model_config = ConfigDict(extra="ignore")

    topics: Topics | None = Field(
        None,
        description="What to be told of: `*`, a name such as `lead.created`, `lead.*`, `entity:lead`,"
        " `entity:lead:<id>`. Everything that you may know, unless said.",
    )
    last_event_id: UUID | None = Field(
        None, description="The `id` of the last event that you have: all that came after it is told first."
    )


class SubscribeQuery(ListenQuery):
    follow: bool = Field(
        True, description="`false`: end with what was missed since `last_event_id`, and wait for nothing."
    )


# What the server says


class Entity(Output):
    """What an event is about."""

    type: str = Field(examples=["lead"])
    id: UUID | None = Field(None, description="The row; empty when there is no single one.")


class Actor(Output):
    """Who did it."""

    kind: str = Field(description="`user`, `api_key`, or what acted by itself.", examples=["user"])
    id: UUID | None = Field(None, description="The person or the key.")


class RealtimeEvent(Output):
    """One thing that happened, as both transports tell it."""

    type: Literal["event"] = "event"
    id: UUID | None = Field(
        None, description="Send it as `last_event_id` to go on behind it; a hint has none."
    )
    name: str = Field(examples=["lead.created"])
    tenant_id: UUID = Field(description="Whose event it is; an umbrella hears those of its children too.")
    entity: Entity
    occurred_at: datetime
    actor: Actor
    data: dict[str, Any] = Field(
        description='The values that changed, as they are now. A personal value is `{"sealed": null}`: read the row.',
        examples=[{"status": "new", "source": "web"}],
    )
    is_whole: bool = Field(description="False when `data` was too large and is left out.", examples=[True])
    is_transient: bool = Field(
        description="True for a hint: told to whoever listens at the moment, never again.", examples=[False]
    )


class Ready(Output):
    """The connection is known and listens."""

    type: Literal["ready"] = "ready"
    topics: list[str] = Field(examples=[["*"]])
    last_event_id: UUID | None = Field(None, description="Where it begins: behind this event.")
    expires_at: datetime = Field(description="Send `auth` with a new token before.")
    heartbeat_s: float = Field(
        description="A `heartbeat` comes when nothing else did for that long.", examples=[15]
    )


class Subscribed(Output):
    """The topics as they are after `subscribe` or `unsubscribe`."""

    type: Literal["subscribed"] = "subscribed"
    topics: list[str] = Field(examples=[["lead.*"]])


class Authenticated(Output):
    """The new token counts from now on."""

    type: Literal["authenticated"] = "authenticated"
    expires_at: datetime


class Heartbeat(Output):
    """Nothing happened that you wanted to hear of."""

    type: Literal["heartbeat"] = "heartbeat"
    last_event_id: UUID | None = Field(
        None, description="All events up to this one have been told, or were none of yours."
    )


class Pong(Output):
    """The answer to `ping`."""

    type: Literal["pong"] = "pong"


class SocketProblem(Output):
    """What is wrong with the message before, or why the connection is about to be closed."""

    code: str = Field(examples=["INVALID"])
    message: str = Field(examples=["There are no such topics."])
    details: list[ErrorDetail] = Field([])


class SocketError(Output):
    """Something was refused; the connection goes on unless a close follows."""

    type: Literal["error"] = "error"
    error: SocketProblem


SAID: tuple[type[Output], ...] = (
    Ready,
    RealtimeEvent,
    Heartbeat,
    Subscribed,
    Authenticated,
    Pong,
    SocketError,
)

# What the client says on a WebSocket


class _Spoken(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Auth(_Spoken):
    """Who listens: the first message of a connection without other credentials, and before a token expires."""

    type: Literal["auth"]
    token: str = Field(
        min_length=1, max_length=8192, description="An access token or an API key.", examples=["eyJ…"]
    )


class Subscribe(_Spoken):
    """Be told of these too; of these alone when the connection began without `topics`."""

    type: Literal["subscribe"]
    topics: list[Topic] = Field(
        min_length=1, max_length=MOST_TOPICS, examples=[["lead.*", "approval.pending"]]
    )


class Unsubscribe(_Spoken):
    """Be told of these no more."""

    type: Literal["unsubscribe"]
    topics: list[Topic] = Field(min_length=1, max_length=MOST_TOPICS, examples=[["lead.*"]])


class Ping(_Spoken):
    """Answered with `pong`; for clients that cannot see the protocol's own pings."""

    type: Literal["ping"]


Spoken = Auth | Subscribe | Unsubscribe | Ping
SPOKEN: tuple[type[BaseModel], ...] = (Auth, Subscribe, Unsubscribe, Ping)
SPEECH: TypeAdapter[Spoken] = TypeAdapter(Annotated[Spoken, Field(discriminator="type")])
