"""The log of calls."""

# No postponed annotations: the models of a resource's calls are made while its routes are.

from fastapi import Depends, Response

from serve.crm.calls.schemas import CallFields, CallRead
from serve.crm.calls.service import calls
from serve.kernel.caller import Needs
from serve.kernel.db import TenantDb
from serve.kernel.envelope import Success
from serve.kernel.errors import problems
from serve.kernel.idempotency import KeyOfAnotherRequest, StillRunning
from serve.kernel.resources.errors import Duplicate
from serve.kernel.resources.schemas import RowMeta
from serve.kernel.resources.words import BODY, one

router = calls.router(tags=["call logs"])


@router.post(
    "",
    status_code=201,
    response_model=Success[CallRead, RowMeta],
    dependencies=[Depends(Needs("calls:write"))],
    responses=problems(*BODY, Duplicate, StillRunning, KeyOfAnotherRequest),
    name="calls.create",
)
async def log_call(written: CallFields, db: TenantDb) -> Response:
    """Note a call that was made or taken."""
    row = await calls.insert(db, calls.settled(None, written.model_dump()))
    return one(row, status=201, headers={"Location": f"{calls.path}/{row['id']}"})
