"""An employee and their account in one step: by an invitation, or by an administrator, who invites."""

from __future__ import annotations

from fastapi import Request

from serve.identity.auth.service import Client
from serve.identity.employees.service import employees, expect
from serve.identity.invitations import acceptance
from serve.identity.invitations.schemas import Acceptance, InvitationFields, Registration
from serve.identity.invitations.service import invite
from serve.kernel.caller import Caller, Lacks, NeedsRecent
from serve.kernel.db import Database
from serve.kernel.errors import Invalid
from serve.kernel.permissions import Permission
from serve.kernel.resources import Row
from serve.kernel.tasks.acting import acting_for

NEEDED: tuple[Permission, ...] = ("employees:write", "users:write")
PROVEN = NeedsRecent("users:write")
OF_THE_PERSON = {"token", "full_name", "password"}


async def by_the_person(request: Request, asked: Registration, caller: Caller | None) -> Row:
    """Raises what ``acceptance.accept`` raises, or Invalid for what stands in the invitation."""
    if foreign := sorted(asked.model_fields_set - OF_THE_PERSON - _usual(asked)):
        raise Invalid(details=[(name, "stands in the invitation") for name in foreign])
    assert asked.token is not None
    wish = Acceptance(token=asked.token, full_name=asked.full_name, password=asked.password)
    arrived = await acceptance.join(request.app.state.login, wish, caller, Client.of(request))
    database: Database = request.app.state.database
    async with database.transaction(acting_for(arrived.tenant_id, arrived.user_id)) as db:
        return await employees.get(db, arrived.employee_id)


async def by_an_administrator(request: Request, asked: Registration, caller: Caller) -> Row:
    """Raises Forbidden, TenantSuspended, StepUpNeeded, Invalid, AlreadyMember, InvitationOpen, HasAccount and so on."""
    for permission in NEEDED:
        if permission not in caller.permissions:
            raise Lacks(caller, permission)
    request.app.state.standings.check(caller)
    await PROVEN.check(request, caller)
    needed = {"email": asked.email, "full_name": asked.full_name, "role": asked.role}
    missing = [(name, "is needed without a token") for name, value in needed.items() if value is None]
    if asked.password is not None:
        missing.append(("password", "is chosen by the person"))
    if missing:
        raise Invalid(details=missing)
    database: Database = request.app.state.database
    async with database.transaction(caller, request_id=request.state.request_id) as db:
        values = employees.settled(None, asked.model_dump(exclude={"token", "password", "role"}))
        employee = await expect(db, values, asked.model_fields_set & values.keys())
        wish = InvitationFields.model_validate(needed | {"employee_id": employee["id"]})
        await invite(db, wish, request.app.state.settings.public_address)
        return employee


def _usual(asked: Registration) -> set[str]:
    """What was sent as it would be anyway."""
    return {
        name for name, field in Registration.model_fields.items() if getattr(asked, name) == field.default
    }
