"""Mails over HTTP: queued by POST, watched, and settled by a person where nobody else can."""

from fastapi import Depends, Request, Response

from serve.kernel.caller import PEOPLE_ALONE, Needs, NeedsPerson
from serve.kernel.db import DatabaseUnavailable, TenantDb
from serve.kernel.envelope import Success
from serve.kernel.errors import Invalid, NotConfigured, problems
from serve.kernel.idempotency import KeyOfAnotherRequest, StillRunning
from serve.kernel.resources.declaration import values_of
from serve.kernel.resources.errors import Duplicate
from serve.kernel.resources.schemas import RowMeta
from serve.kernel.resources.words import BODY, Id, one
from serve.kernel.risk import acts
from serve.platform.mails import service
from serve.platform.mails.errors import MailBeingSent, MailNotOpen, MailNotUncertain, MailOnItsWay
from serve.platform.mails.resource import mails
from serve.platform.mails.schemas import MailFields, MailRead

router = mails.router()

ANSWER = Success[MailRead, RowMeta]
REPEATED = (StillRunning, KeyOfAnotherRequest)
BY_PERSON = [Depends(NeedsPerson("mails:write"))]
A_PERSON = "a person takes it upon themselves"


@router.post(
    "",
    status_code=201,
    response_model=ANSWER,
    dependencies=[Depends(Needs("mails:write"))],
    responses=problems(*BODY, Duplicate, Invalid, NotConfigured, *REPEATED),
    name="mails.create",
    **acts(risk="risky"),
)
async def send_mail(mail: MailFields, request: Request, db: TenantDb) -> Response:
    """Send a mail to one recipient, from the sender of the tenant's settings.

    It is queued here and sent in the background; `state` tells how far it is. An outage of the mail server is waited
    for, with growing pauses.
    """
    row = await service.queue_mail(db, request.app.state.mail, values_of(mail, sent_only=False))
    return one(row, status=201, headers={"Location": f"{mails.path}/{row['id']}"})


@router.post(
    "/{id}/cancel",
    response_model=ANSWER,
    dependencies=[Depends(Needs("mails:write"))],
    responses=problems(mails.NotFound, MailOnItsWay, DatabaseUnavailable, *REPEATED),
    name="mails.cancel",
)
async def cancel_mail(id: Id, db: TenantDb) -> Response:
    """Keep a queued mail from being sent."""
    return one(await service.cancel(db, id))


@router.post(
    "/{id}/resend",
    response_model=ANSWER,
    dependencies=BY_PERSON,
    responses=problems(
        mails.NotFound, MailNotOpen, MailBeingSent, *PEOPLE_ALONE, DatabaseUnavailable, *REPEATED
    ),
    name="mails.resend",
    **acts(risk="risky", left_out=A_PERSON),
)
async def resend_mail(id: Id, request: Request, db: TenantDb) -> Response:
    """Send a mail again that failed, or of which nobody knows whether it was sent; or a waiting one now.

    It goes out under the same Message-ID. One of unknown fate may arrive twice: only a person may decide that.
    """
    return one(await service.resend(db, request.app.state.mail, id))


@router.post(
    "/{id}/mark-sent",
    response_model=ANSWER,
    dependencies=BY_PERSON,
    responses=problems(
        mails.NotFound, MailNotUncertain, MailBeingSent, *PEOPLE_ALONE, DatabaseUnavailable, *REPEATED
    ),
    name="mails.mark_sent",
    **acts(left_out=A_PERSON),
)
async def mark_mail_sent(id: Id, request: Request, db: TenantDb) -> Response:
    """Say of a mail of unknown fate that it was sent, such as after asking the recipient."""
    return one(await service.mark_sent(db, request.app.state.mail, id))
