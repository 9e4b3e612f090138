"""The knowledge base: articles, their versions, and whether they helped.

What changes an article, and what shows drafts or versions, takes ``articles:write``; reading what is published takes
``articles:read``.
"""

# No postponed annotations: the models of a resource's calls are made while its routes are.

import asyncio
from typing import Annotated

from fastapi import Depends, Path, Query, Request, Response

from serve.crm.articles import markdown, queries, service
from serve.crm.articles.errors import ArticleEmpty, ArticleVersionNotFound, NotPublished
from serve.crm.articles.schemas import (
    ArticleComparison,
    ArticleFeedbackInput,
    ArticleFeedbackRead,
    ArticleFields,
    ArticlePage,
    ArticlePreview,
    ArticlePreviewInput,
    ArticlePublication,
    ArticleRead,
    ArticleVersionRead,
    ArticleVersionSummary,
    View,
)
from serve.crm.articles.service import articles, shown
from serve.kernel.asking import Asking
from serve.kernel.caller import Caller, Lacks, Needs
from serve.kernel.db import DatabaseUnavailable, Reads, TenantDb
from serve.kernel.envelope import Meta, PageMeta, Success, around
from serve.kernel.errors import problems
from serve.kernel.idempotency import KeyOfAnotherRequest, StillRunning
from serve.kernel.paging import Paged, page_meta
from serve.kernel.resources.errors import Duplicate, LostUpdate
from serve.kernel.resources.schemas import ListMeta, RowMeta
from serve.kernel.resources.words import BODY as BAD_BODY
from serve.kernel.resources.words import Id, IfMatch, one, plain, raw

router = articles.router(tags=["knowledge base"])
Reader = Annotated[Caller, Depends(Needs("articles:read"))]
EDITING = [Depends(Needs("articles:write"))]
Number = Annotated[int, Path(ge=1, le=2**31 - 1, description="Of the version.")]
WhichView = Annotated[
    View | None,
    Query(
        description="What readers see or what editors have; editors see drafts unless they say `published`."
    ),
]
_REPEATED = (StillRunning, KeyOfAnotherRequest)
_IN_LISTS = [name for name in ArticleRead.model_fields if name != "body"]


class ArticleQuery(articles.query):  # type: ignore[misc, name-defined]
    view: View | None = None


def _is_draft(view: View | None, caller: Caller) -> bool:
    """Whether drafts are asked for. Raises Lacks for readers."""
    may_edit = "articles:write" in caller.permissions
    if view == "draft" and not may_edit:
        raise Lacks(caller, "articles:write")
    return may_edit and view != "published"


@router.get(
    "",
    response_model=Success[list[ArticleRead | articles.part_model], ListMeta],  # type: ignore[name-defined]
    responses=problems(DatabaseUnavailable),
    name="articles.list",
)
async def list_articles(
    asked: Annotated[ArticleQuery, Depends(Asking(ArticleQuery))],
    request: Request,
    caller: Reader,
    db: TenantDb,
) -> Response:
    """Articles, filtered, sorted and in pages: those published for readers, all of them for editors.

    Bodies are left out unless `fields` names them. What editors get is the draft of each, unless they ask for
    `view=published`.
    """
    source = articles if _is_draft(asked.view, caller) else shown
    if asked.fields is None:
        asked.fields = _IN_LISTS
    listed = await source.listing.page(Reads(request.app.state.database, caller, within=db), asked)
    return raw(around(listed.data, listed.meta))


@router.post(
    "",
    status_code=201,
    response_model=Success[ArticleRead, RowMeta],
    dependencies=EDITING,
    responses=problems(*BAD_BODY, Duplicate, *_REPEATED),
    name="articles.create",
)
async def create_article(written: ArticleFields, db: TenantDb) -> Response:
    """A new article, as a draft: readers see it once it is published."""
    row = await articles.insert(db, written.model_dump())
    return one(row, status=201, headers={"Location": f"{articles.path}/{row['id']}"})


@router.get(
    "/{id}",
    response_model=Success[ArticleRead, RowMeta],
    responses=problems(articles.NotFound, DatabaseUnavailable),
    name="articles.get",
)
async def get_article(
    id: Id, request: Request, caller: Reader, db: TenantDb, view: WhichView = None
) -> Response:
    """One article: its draft for editors, for readers what was published. The ETag names its version."""
    source = articles if _is_draft(view, caller) else shown
    row = await source.show(Reads(request.app.state.database, caller, within=db), id)
    return raw(around(row.data, {}), {"ETag": row.etag})


@router.get(
    "/{id}/rendered",
    response_model=Success[ArticlePage, Meta],
    responses=problems(articles.NotFound, DatabaseUnavailable),
    name="articles.render",
)
async def render_article(id: Id, caller: Reader, db: TenantDb, view: WhichView = None) -> Response:
    """The article as HTML that a page may show as it is."""
    return plain(await service.rendered(db, id, draft=_is_draft(view, caller)))


@router.post(
    "/preview",
    response_model=Success[ArticlePreview, Meta],
    dependencies=EDITING,
    responses=problems(*BAD_BODY),
    name="articles.preview",
)
async def preview_body(asked: ArticlePreviewInput) -> Response:
    """How a body would look, and the words that it would be found by. Nothing is kept."""
    html = await asyncio.to_thread(markdown.to_html, asked.body)
    return plain({"html": html, "text": await asyncio.to_thread(markdown.to_text, asked.body)})


@articles.action(router, "publish", ArticleEmpty, LostUpdate, *BAD_BODY)
async def publish_article(
    id: Id, db: TenantDb, asked: ArticlePublication | None = None, if_match: IfMatch = None
) -> Response:
    """Show readers the draft as it stands: a new version, frozen. One that they see already is left as it is."""
    return one(await service.publish(db, id, note=asked and asked.note, if_match=if_match))


@articles.action(router, "archive", LostUpdate)
async def archive_article(id: Id, db: TenantDb, if_match: IfMatch = None) -> Response:
    """Show it to readers no longer. Publishing brings it back."""
    return one(await service.archive(db, id, if_match=if_match))


@router.get(
    "/{id}/versions",
    response_model=Success[list[ArticleVersionSummary], PageMeta],
    dependencies=EDITING,
    responses=problems(articles.NotFound, DatabaseUnavailable),
    name="articles.versions",
)
async def list_versions(id: Id, asked: Annotated[Paged, Query()], db: TenantDb) -> Response:
    """What was published, the newest first."""
    await articles.get(db, id)
    window = asked.window()
    rows, total = await queries.versions(db, id, window)
    return plain([dict(row) for row in rows], page_meta(window, total))


@router.get(
    "/{id}/versions/{number}",
    response_model=Success[ArticleVersionRead, Meta],
    dependencies=EDITING,
    responses=problems(articles.NotFound, ArticleVersionNotFound, DatabaseUnavailable),
    name="articles.version",
)
async def get_version(id: Id, number: Number, db: TenantDb) -> Response:
    """One version with all that it says."""
    await articles.get(db, id)
    return plain(dict(await service.version(db, id, number)))


@router.get(
    "/{id}/versions/{number}/compare",
    response_model=Success[ArticleComparison, Meta],
    dependencies=EDITING,
    responses=problems(articles.NotFound, ArticleVersionNotFound, DatabaseUnavailable),
    name="articles.compare",
)
async def compare_versions(
    id: Id,
    number: Number,
    db: TenantDb,
    other: Annotated[
        int | None, Query(alias="with", ge=1, le=2**31 - 1, description="Another version; else the draft.")
    ] = None,
) -> Response:
    """What has changed since a version: up to another one, or up to the draft."""
    return plain(await service.compare(db, id, number, other))


@router.post(
    "/{id}/versions/{number}/rollback",
    response_model=Success[ArticleRead, RowMeta],
    dependencies=EDITING,
    responses=problems(articles.NotFound, ArticleVersionNotFound, LostUpdate, *BAD_BODY, *_REPEATED),
    name="articles.roll_back",
)
async def roll_back_article(
    id: Id, number: Number, db: TenantDb, asked: ArticlePublication | None = None, if_match: IfMatch = None
) -> Response:
    """Say again what an earlier version said, as a new version that readers see at once.

    The draft says it too; what it said before is in none of the versions unless it was published.
    """
    return one(await service.roll_back(db, id, number, note=asked and asked.note, if_match=if_match))


@router.post(
    "/{id}/feedback",
    response_model=Success[ArticleFeedbackRead, Meta],
    dependencies=[Depends(Needs("articles:read"))],
    responses=problems(articles.NotFound, NotPublished, *BAD_BODY, *_REPEATED),
    name="articles.give_feedback",
)
async def give_feedback(id: Id, said: ArticleFeedbackInput, db: TenantDb) -> Response:
    """Say whether the article helped. Each person counts once; what they say later takes the place of it."""
    return plain(await service.give_feedback(db, id, said.is_helpful))
