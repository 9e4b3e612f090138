"""Answers from the current release: negotiated, named by an ETag, computed in a thread, remembered as bytes.

What is remembered, and what the client has already (304), is answered at once, without a thread.

An endpoint gives ``answer`` its validated query and a plain function from a ``Reading`` to an ``Answer``; everything
else about HTTP happens here, once.
"""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date
from typing import Annotated, Any, NamedTuple, TypeVar
from uuid import UUID

import pyarrow as pa
from fastapi import Depends, Request, Response
from pydantic import BaseModel, Field

from serve.kernel.caller import Caller, Guard
from serve.kernel.envelope import Meta, PageMeta, success
from serve.kernel.errors import Unavailable
from serve.kernel.etag import answer_etag, matches
from serve.kernel.formats import (
    MEDIA_TYPES,
    Format,
    Row,
    arrow_bytes,
    arrow_schema,
    negotiate,
    to_arrow,
    to_csv,
)
from serve.kernel.periods import PeriodRead
from warehouse.releases import QueryTimeout, ReleaseNotFound, ReleaseReader, Session, TooManyRows

Query = TypeVar("Query", bound=BaseModel)


class NoRelease(Unavailable):
    code = "NO_RELEASE"
    message = "No figures have been published yet. Run the pipeline, then ask again."


class QueryTooSlow(Unavailable):
    code, message = (
        "QUERY_TIMEOUT",
        "The question took too long to answer. Ask for a shorter period or fewer rows.",
    )


class ReleaseMeta(Meta):
    """Which data an answer comes from."""

    release_id: str = Field(examples=["20260201T021500123Z-0a1b2c"])
    as_of: date = Field(
        description="Last day of the tenant's data, or of the release where it has none; every range ends here.",
        examples=["2026-01-31"],
    )
    currency: str | None = Field(
        description="ISO 4217 code of every amount; amounts are minor units. Null for a tenant that is younger than the"
        " release, which has no amounts of it.",
        examples=["EUR"],
    )
    simulated: bool = Field(
        description="Whether this tenant's data was made by the simulator.", examples=[True]
    )


class PeriodMeta(ReleaseMeta):
    period: PeriodRead


class ReleasePageMeta(ReleaseMeta, PageMeta):
    pass


@dataclass(frozen=True, slots=True)
class TenantFacts:
    as_of: date
    currency: str | None
    is_simulated: bool


class Reading:
    """One tenant's view of one release, for the length of one request."""

    def __init__(self, session: Session, facts: TenantFacts) -> None:
        self.session = session
        self.as_of, self.currency, self.is_simulated = facts.as_of, facts.currency, facts.is_simulated

    def rows(self, sql: str, **params: Any) -> list[Row]:
        """The answer as dictionaries; parameters are named ``$name`` in the statement."""
        columns, rows = self.session.fetch(sql, params)
        return [dict(zip(columns, row, strict=True)) for row in rows]

    def columns(self, sql: str, **params: Any) -> dict[str, Sequence[Any]]:
        """The answer column by column."""
        columns, rows = self.session.fetch(sql, params)
        values = zip(*rows, strict=True) if rows else [()] * len(columns)
        return dict(zip(columns, values, strict=True))

    def page(self, sql: str, *, order: str, window: tuple[int, int], **params: Any) -> Page:
        """The rows of ``sql`` inside (limit, offset), and how many there are on all pages."""
        limit, offset = window
        rows = self.rows(
            f"select *, count(*) over () as _total from ({sql}) order by {order} limit $limit offset $offset",
            **params,
            limit=limit,
            offset=offset,
        )
        if rows or offset == 0:
            total = rows[0]["_total"] if rows else 0
        else:  # past the end no row carries the total
            total = self.row(f"select count(*) as total from ({sql})", **params)["total"]
        for row in rows:
            del row["_total"]
        return Page(rows, total)

    def row(self, sql: str, **params: Any) -> Row:
        """The only row of an aggregate."""
        (row,) = self.rows(sql, **params)
        return row


class Page(NamedTuple):
    rows: list[Row]
    total: int


@dataclass(slots=True)
class Answer:
    """``data`` for JSON as plain values; ``rows`` for CSV and Arrow, when they are not ``data`` itself.

    ``table`` is for answers whose columns only the question decides.
    """

    data: Any
    rows: Sequence[Row] | None = None
    meta: dict[str, Any] = field(default_factory=dict)
    table: pa.Table | None = None


@dataclass(frozen=True, slots=True)
class _Question:
    """What an answer depends on, beside the release."""

    tenant_id: UUID
    path: str
    query: BaseModel
    kind: Format
    parameters: bytes
    known: str | None  # If-None-Match

    @classmethod
    def of(cls, request: Request, caller: Caller, query: BaseModel) -> _Question:
        return cls(
            tenant_id=caller.tenant_id,
            path=request.scope["route"].path,
            query=query,
            kind=negotiate(request.headers.get("accept")),
            parameters=query.model_dump_json().encode(),
            known=request.headers.get("if-none-match") if request.method == "GET" else None,
        )

    def etag(self, release_id: str) -> str:
        return answer_etag(release_id, self.tenant_id, self.path, self.parameters, self.kind)


@dataclass(frozen=True, slots=True)
class _Sent:
    """A finished answer; nothing in it depends on who asked beyond what the ETag covers."""

    body: bytes
    headers: dict[str, str]


# A business's time is that of its own events. Where there are none, it is that of its people and their requests:
# seats_daily goes on to the last day that a sign-in, a request, a seat or an invitation is known of.
_DAYS_WITHOUT_BUSINESS = ("seats_daily", "sign_ins_daily", "api_usage_daily")


def _facts_sql(tables: Collection[str]) -> str:
    """One row of a tenant that the release knows; a kept release may be older than some of its tables."""
    others = [f"(select max(date) from marts.{name})" for name in _DAYS_WITHOUT_BUSINESS if name in tables]
    last_other = f"greatest({', '.join(['null', *others])})"
    return f"""
        select
            coalesce(t.data_until, (select max(date) from marts.kpi_daily), {last_other}) as as_of,
            t.currency,
            t.is_simulated
        from marts.dim_tenants as t
    """


def _facts_of(session: Session) -> TenantFacts:
    """A tenant of which the release has nothing gets empty answers that end with the release, not a refusal."""
    rows = session.fetch(_facts_sql(session.release.rows)).rows
    last_day, currency, is_simulated = rows[0] if rows else (None, None, False)
    return TenantFacts(last_day or session.release.as_of.astimezone(UTC).date(), currency, is_simulated)


class Answers:
    """The release reader, its threads, and a bounded memory of finished answers; one a process."""

    def __init__(self, reader: ReleaseReader, *, threads: int, cache_bytes: int) -> None:
        self.reader = reader
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="release")
        self._cache = _ByteCache(cache_bytes)
        self._facts: OrderedDict[tuple[str, UUID], TenantFacts] = OrderedDict()
        self._lock = threading.Lock()

    async def run(self, work: Callable[[], Response]) -> Response:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def close(self) -> None:
        self._threads.shutdown(cancel_futures=True)
        self.reader.close()

    def at_hand(self, question: _Question) -> Response | None:
        """The response if it needs no query; never blocks."""
        release_id = self.reader.peek()
        return None if release_id is None else self._known(question, question.etag(release_id))

    def respond(
        self, question: _Question, compute: Callable[[Reading, Any], Answer], row: type[BaseModel] | None
    ) -> Response:
        """The response of one request. Blocks; for a thread of ``run``."""
        try:
            with self.reader.query(question.tenant_id) as session:
                etag = question.etag(session.release.id)
                if known := self._known(question, etag):
                    return known
                reading = Reading(session, self._tenant_facts(session))
                sent = _finish(compute(reading, question.query), reading, question.kind, row, question.path)
                self._cache.put(etag, sent)
        except ReleaseNotFound as error:
            raise NoRelease from error
        except QueryTimeout as error:
            raise QueryTooSlow from error
        except TooManyRows as error:
            raise QueryTooSlow(f"That is too much at once: {error}.") from error
        return _whole(sent, etag, question.kind)

    def _known(self, question: _Question, etag: str) -> Response | None:
        """The response if the client has the answer, or if it is remembered."""
        if matches(question.known, etag):
            return Response(status_code=304, headers=_naming(etag))
        sent = self._cache.get(etag)
        return None if sent is None else _whole(sent, etag, question.kind)

    def _tenant_facts(self, session: Session) -> TenantFacts:
        key = (session.release.id, session.tenant_id)
        facts = self._facts.get(key)
        if facts is None:
            facts = _facts_of(session)
            with self._lock:
                self._facts[key] = facts
                while len(self._facts) > 10_000:
                    self._facts.popitem(last=False)
        return facts


class _ByteCache:
    """Least recently used answers go first; thread-safe."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit, self._size = limit_bytes, 0
        self._entries: OrderedDict[str, _Sent] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str) -> _Sent | None:
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None:
                self._entries.move_to_end(key)
            return entry

    def put(self, key: str, entry: _Sent) -> None:
        with self._lock:
            if len(entry.body) > self._limit or key in self._entries:
                return
            self._entries[key] = entry
            self._size += len(entry.body)
            while self._size > self._limit:
                self._size -= len(self._entries.popitem(last=False)[1].body)


def _whole(sent: _Sent, etag: str, kind: Format) -> Response:
    return Response(sent.body, headers={**sent.headers, **_naming(etag)}, media_type=MEDIA_TYPES[kind])


def _naming(etag: str) -> dict[str, str]:
    return {
        "ETag": etag,
        "Cache-Control": "private, no-cache",
        "Vary": "Accept, Authorization, Cookie",
    }


def _finish(answer: Answer, reading: Reading, kind: Format, row: type[BaseModel] | None, path: str) -> _Sent:
    release_id = reading.session.release.id
    if kind == "json":
        meta = {
            "release_id": release_id,
            "as_of": reading.as_of,
            "currency": reading.currency,
            "simulated": reading.is_simulated,
            **answer.meta,
        }
        return _Sent(success(answer.data, meta), {})
    headers = {
        "X-Release-Id": release_id,
        "X-As-Of": str(reading.as_of),
        "X-Simulated": str(reading.is_simulated).lower(),
    }
    if reading.currency is not None:
        headers["X-Currency"] = reading.currency
    if "total" in answer.meta:
        headers["X-Total-Count"] = str(answer.meta["total"])
    rows = answer.data if answer.rows is None else answer.rows
    if kind == "csv":
        name = path.removeprefix("/api/v1/").replace("/", "-")
        headers["Content-Disposition"] = f'attachment; filename="{name}-{reading.as_of}.csv"'
        columns = (
            answer.table.column_names if answer.table is not None else list(row.model_fields) if row else []
        )
        return _Sent(to_csv(columns, rows), headers)
    if answer.table is not None:
        return _Sent(arrow_bytes(answer.table), headers)
    assert row is not None
    return _Sent(to_arrow(arrow_schema(row), rows), headers)


class Answering:
    """What an endpoint calls; made for each request by ``Answerer``."""

    def __init__(self, request: Request, caller: Caller) -> None:
        self._request, self._caller = request, caller
        self._answers: Answers = request.app.state.answers

    async def __call__(
        self, query: Query, compute: Callable[[Reading, Query], Answer], *, row: type[BaseModel] | None
    ) -> Response:
        """``row`` is the model of a CSV or Arrow row; None when the answer brings its own table."""
        question = _Question.of(self._request, self._caller, query)
        return self._answers.at_hand(question) or await self._answers.run(
            lambda: self._answers.respond(question, compute, row)
        )


class Answerer(Guard):
    """Gives an endpoint what it answers with, if the caller has the permission."""

    async def __call__(self, request: Request) -> Answering:
        return Answering(request, await self.admit(request))


AnalyticsAnswer = Annotated[Answering, Depends(Answerer("analytics:read"))]
MetricsAnswer = Annotated[Answering, Depends(Answerer("metrics:query"))]
FleetAnswer = Annotated[Answering, Depends(Answerer("fleet:read"))]
