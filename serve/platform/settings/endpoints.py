"""Settings by category over HTTP. PUT changes what is sent and leaves the rest; null returns a field to its default."""

# No postponed annotations: they name the models of one category, which only exist while its routes are made.

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Path, Query, Request, Response
from pydantic import BaseModel, Field, create_model

from serve.kernel.caller import PROOF, Caller, Needs, NeedsRecent
from serve.kernel.db import DatabaseUnavailable, TenantDb
from serve.kernel.envelope import Input, Meta, Output, Success
from serve.kernel.errors import problems
from serve.kernel.idempotency import KeyOfAnotherRequest, RepeatableRoute, StillRunning
from serve.kernel.resources.batches import parsed
from serve.kernel.resources.errors import LostUpdate
from serve.kernel.resources.words import BODY, IfMatch, plain
from serve.kernel.routing import area_router
from serve.platform.settings import mailing, service
from serve.platform.settings.categories import CATEGORIES, Category
from serve.platform.settings.errors import (
    CategoryNotFound,
    MailHostRefused,
    MailRejected,
    MailServerFailed,
    NotConfigured,
)
from serve.platform.settings.schemas import CategoryMeta, MailTest, MailTested, SettingsMeta
from serve.platform.settings.service import Current

router = area_router(prefix="/api/v1", tags=["settings"], route_class=RepeatableRoute)

OWN_PATHS = ("email", "notifications", "preferences")
"""Categories that front ends call by name; the others go by the parameter."""

OTHERS = [category for name, category in CATEGORIES.items() if name not in OWN_PATHS]

AllSettings: Any = create_model(
    "AllSettings",
    __base__=Output,
    **{name: (each.read, Field(None, description=each.read.__doc__)) for name, each in CATEGORIES.items()},
)
AllChanges: Any = create_model(
    "AllSettingsChange",
    __base__=Input,
    **{name: (each.changes, Field(None, description=each.read.__doc__)) for name, each in CATEGORIES.items()},
)
ACCOUNT = ("general", "preferences")
AccountSettings: Any = create_model(
    "AccountSettings", __base__=Output, **{name: (CATEGORIES[name].read, ...) for name in ACCOUNT}
)
AccountChanges: Any = create_model(
    "AccountSettingsChange",
    __base__=Input,
    **{name: (CATEGORIES[name].changes, Field(None)) for name in ACCOUNT},
)
Reader = Annotated[Caller, Depends(Needs("self:read"))]
Name = Annotated[str, Path(max_length=50, description=f"One of: {', '.join(CATEGORIES)}.")]
Writer = Annotated[Caller, Depends(Needs("self:write"))]
PROVEN = NeedsRecent("settings:write")


class Selection(BaseModel):
    category: str | None = Field(
        None, max_length=200, description="Only these, separated by commas. All that you may see unless said."
    )


@router.get(
    "/settings",
    response_model=Success[AllSettings, SettingsMeta],
    responses=problems(CategoryNotFound, DatabaseUnavailable),
    name="settings.get",
)
async def read_settings(asked: Annotated[Selection, Query()], caller: Reader, db: TenantDb) -> Response:
    """Settings by category, all that the caller may see or those selected.

    The tenant's need `settings:read`, one's own `self:read`. What is not set shows its default.
    """
    if asked.category is None:
        categories = service.visible(caller)
    else:
        categories = service.named([word.strip() for word in asked.category.split(",")])
        for category in categories:
            service.require(caller, category.reading)
    return _several(await service.current(db, categories))


@router.put(
    "/settings",
    response_model=Success[AllSettings, SettingsMeta],
    responses=problems(*BODY, LostUpdate, *PROOF),
    name="settings.replace",
)
async def change_settings(
    request: Request, body: AllChanges, caller: Writer, db: TenantDb, if_match: IfMatch = None
) -> Response:
    """Change several categories at once, all of them or none.

    The tenant's need `settings:write`, and `email` and `security` a recent proof of who you are. `If-Match` takes the
    ETag of all settings, or of exactly these categories.
    """
    return _several(await _change_several(request, body, caller, db, if_match))


def _category_routes(router: APIRouter, category: Category) -> None:
    """The category's own path, with its exact models."""
    Changes = category.changes
    about = "Of the tenant." if category.scope == "tenant" else "The caller's own."
    guard = PROVEN if category.opens_doors else Needs(category.writing)
    proof = PROOF if category.opens_doors else ()
    answer: dict[str, Any] = {"response_model": Success[category.read, CategoryMeta]}

    @router.get(
        f"/settings/{category.name}",
        **answer,
        dependencies=[Depends(Needs(category.reading))],
        responses=problems(DatabaseUnavailable),
        description=f"Settings of the category {category.name}. {about} What is not set shows its default.",
        name=f"settings.{category.name}.get",
    )
    async def read(db: TenantDb) -> Response:
        return _one((await service.current(db, [category]))[category.name])

    @router.put(
        f"/settings/{category.name}",
        **answer,
        dependencies=[Depends(guard)],
        responses=problems(*BODY, LostUpdate, *proof),
        description=f"Change settings of the category {category.name}. {about} What is not sent stays;"
        " null returns a field to its default. `If-Match` prevents lost updates.",
        name=f"settings.{category.name}.change",
    )
    async def change(body: Changes, db: TenantDb, if_match: IfMatch = None) -> Response:  # type: ignore[valid-type]
        return _one((await service.change(db, {category: body}, if_match=if_match))[category.name])


for name in OWN_PATHS:
    _category_routes(router, CATEGORIES[name])

OtherSettings: Any = OTHERS[0].read
for other in OTHERS[1:]:
    OtherSettings = OtherSettings | other.read
OTHER_BODY = {"anyOf": [{"$ref": f"#/components/schemas/{each.changes.__name__}"} for each in OTHERS]}


@router.get(
    "/settings/{category}",
    response_model=Success[OtherSettings, CategoryMeta],
    responses=problems(CategoryNotFound, DatabaseUnavailable),
    name="settings.category.get",
)
async def read_category(category: Name, caller: Reader, db: TenantDb) -> Response:
    """Settings of one category.

    An unknown category is answered with those that there are.
    """
    (found,) = service.named([category])
    service.require(caller, found.reading)
    return _one((await service.current(db, [found]))[found.name])


@router.put(
    "/settings/{category}",
    response_model=Success[OtherSettings, CategoryMeta],
    responses=problems(*BODY, CategoryNotFound, LostUpdate, *PROOF),
    name="settings.category.change",
)
async def change_category(
    request: Request,
    category: Name,
    body: Annotated[dict[str, Any], Body(json_schema_extra=OTHER_BODY)],
    caller: Writer,
    db: TenantDb,
    if_match: IfMatch = None,
) -> Response:
    """Change settings of one category.

    What is not sent stays; null returns a field to its default. `If-Match` prevents lost updates. `security` takes a
    recent proof of who you are.
    """
    (found,) = service.named([category])
    await _check_writing(request, caller, found)
    changes = {found: parsed(found.changes, body)}
    return _one((await service.change(db, changes, if_match=if_match))[found.name])


# Not repeatable: nothing of it stands in one transaction, and a second mail does no harm.
mail = area_router(prefix="/api/v1", tags=["settings"])


@mail.post(
    "/settings/email/test",
    response_model=Success[MailTested, Meta],
    responses=problems(DatabaseUnavailable, NotConfigured, MailHostRefused, MailRejected, MailServerFailed),
    name="settings.email.test",
)
async def try_email_settings(
    request: Request,
    asked: Annotated[MailTest, Query()],
    caller: Annotated[Caller, Depends(Needs("settings:write"))],
) -> Response:
    """Send a mail with the stored settings, to the caller or to a member of the tenant.

    Without any mail server set the mail is written to a file of this installation, if that is allowed there.
    """
    state, request_id = request.app.state, request.state.request_id
    sent = await mailing.send_test(
        state.database, state.mail, caller, to=asked.user_id, request_id=request_id
    )
    return plain(sent)


@router.get(
    "/account/settings",
    response_model=Success[AccountSettings, SettingsMeta],
    responses=problems(DatabaseUnavailable),
    name="settings.account.get",
)
async def read_account_settings(caller: Reader, db: TenantDb) -> Response:
    """The company's general settings and the caller's own preferences.

    Every member may read these: nothing can be shown rightly without the time zone and the currency.
    """
    return _several(await service.current(db, [CATEGORIES[name] for name in ACCOUNT]))


@router.patch(
    "/account/settings",
    response_model=Success[AccountSettings, SettingsMeta],
    responses=problems(*BODY, LostUpdate, StillRunning, KeyOfAnotherRequest),
    name="settings.account.change",
)
async def change_account_settings(
    request: Request, body: AccountChanges, caller: Writer, db: TenantDb, if_match: IfMatch = None
) -> Response:
    """Change the company's general settings (`settings:write`) or one's own preferences."""
    await _change_several(request, body, caller, db, if_match)
    return _several(await service.current(db, [CATEGORIES[name] for name in ACCOUNT]))


async def _change_several(
    request: Request, body: Any, caller: Caller, db: TenantDb, if_match: str | None
) -> dict[str, Current]:
    sent = {CATEGORIES[name]: getattr(body, name) for name in CATEGORIES if name in body.model_fields_set}
    for category in sent:
        await _check_writing(request, caller, category)
    return await service.change(db, sent, if_match=if_match, of_several=True)


async def _check_writing(request: Request, caller: Caller, category: Category) -> None:
    """Raises Forbidden, or how ``PROVEN`` refuses."""
    service.require(caller, category.writing)
    if category.opens_doors:
        await PROVEN.check(request, caller)


def _one(state: Current) -> Response:
    response = plain(state.shown(), state.meta())
    response.headers["ETag"] = state.etag
    return response


def _several(states: dict[str, Current]) -> Response:
    data = {name: state.shown() for name, state in states.items()}
    response = plain(data, {"etags": {name: state.etag for name, state in states.items()}})
    response.headers["ETag"] = service.joint_etag(states)
    return response
