"""In whose name a task is carried out: of the person or key that asked for it, or of the platform."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from serve.kernel.caller import NEVER_S, Caller


@dataclass(frozen=True, slots=True)
class Platform(Caller):
    """Nobody asked: the platform acts for the tenant by itself."""

    @property
    def actor(self) -> str:
        return "platform"


def acting_for(tenant_id: UUID, user_id: UUID | None, api_key_id: UUID | None = None) -> Caller:
    """Whoever it is in events, at work for this tenant alone, without any permission of a caller of the API."""
    kind = Caller if user_id or api_key_id else Platform
    return kind(
        user_id=user_id or UUID(int=0),
        email="",
        tenant_id=tenant_id,
        role="",
        permissions=frozenset(),
        tenant_ids=(tenant_id,),
        token_id="",
        expires_at_s=NEVER_S,
        api_key_id=api_key_id,
    )
