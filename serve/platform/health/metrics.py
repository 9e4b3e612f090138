"""``/metrics`` for Prometheus: how much is going on, told to this machine or to whoever has the token."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from hmac import compare_digest
from ipaddress import ip_address

from asyncpg import PostgresError
from fastapi import FastAPI, Request, Response

from serve.kernel.answers import Answers
from serve.kernel.background import Background
from serve.kernel.db import Database
from serve.kernel.errors import Forbidden, Problem
from serve.kernel.layer import Manners
from serve.kernel.metrics import CONTENT_TYPE, Meters
from serve.kernel.routing import area_router
from serve.kernel.tasks.figures import Figures, figures
from warehouse.releases import ReleaseError

router = area_router(include_in_schema=False)
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")


class MetricsArePrivate(Forbidden):
    code, message = "METRICS_ARE_PRIVATE", "Metrics are for this machine, or for whoever has METRICS_TOKEN."


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """Everything that this process counts, in the text format of Prometheus."""
    if not _may_read(request, request.app.state.settings.metrics_token):
        raise MetricsArePrivate
    manners: Manners = request.app.state.manners
    await request.app.state.work_watch.look()
    return Response(manners.meters.text(), media_type=CONTENT_TYPE, headers={"Cache-Control": "no-store"})


def _may_read(request: Request, token: str | None) -> bool:
    """Where a token is set it alone counts; else a program on this machine, but none that passes on requests."""
    if token is not None:
        given = request.headers.get("authorization", "")
        return compare_digest(given.encode(), f"Bearer {token}".encode())
    if request.client is None or any(name in request.headers for name in _FORWARDED):
        return False
    try:
        return ip_address(request.client.host).is_loopback
    except ValueError:
        return False


class WorkWatch:
    """What was last seen of tasks and workers; nothing while the database is away."""

    def __init__(self, database: Database, silent_s: float) -> None:
        self._database, self._silent_s = database, silent_s
        self._figures: Figures | None = None

    async def look(self) -> None:
        try:
            self._figures = await figures(self._database)
        except (Problem, PostgresError):  # such as tables that are not there yet
            self._figures = None

    def workers(self) -> float | None:
        return None if self._figures is None else len(self._figures.alive(self._silent_s))

    def by_queue(self, what: str) -> dict[str, int]:
        return {} if self._figures is None else self._figures.by_queue(what)


def watch(app: FastAPI) -> None:
    """Gauges of the application's parts, each read when somebody asks for the metrics."""
    state, meters = app.state, app.state.manners.meters

    def databases() -> list[Database]:
        return [state.database, state.worker_database]

    def background() -> float:
        loops: tuple[Background, ...] = (state.background, state.own_loops)
        return sum(each.running_count for each in loops)

    gauges = {
        "throughline_requests_in_flight": (
            "Requests whose answer is not complete.",
            lambda: len(state.manners.running),
        ),
        "throughline_database_connections_in_use": (
            "Connections that somebody holds.",
            lambda: sum(database.in_use_count for database in databases()),
        ),
        "throughline_database_requests_waiting": (
            "Requests that wait for a connection.",
            lambda: sum(database.waiting_count for database in databases()),
        ),
        "throughline_release_age_seconds": (
            "Since the release that answers come from was made.",
            lambda: _age_s(state.answers),
        ),
        "throughline_background_loops": ("Loops beside the requests that run.", background),
        "throughline_realtime_listeners": (
            "Live connections that events are told to.",
            lambda: state.hub.stream_count,
        ),
        "throughline_request_log_waiting": ("Rows not written yet.", lambda: len(state.manners.requests)),
    }
    for name, (help, read) in gauges.items():
        meters.gauge(name, help, read)
    meters.counter(
        "throughline_realtime_overflows",
        "How often a listener was so slow that it was sent back to the store.",
        lambda: state.hub.overflow_count,
    )
    meters.gauge("throughline_workers", "Processes that carry out tasks.", lambda: state.work_watch.workers())
    for what, help in (("waiting", "Tasks that are due and wait."), ("running", "Tasks under way.")):
        read = partial(_tasks, app, what)
        meters.group(f"throughline_tasks_{what}", help, "queue", read)
    _count_rows(meters, state.manners)


def _tasks(app: FastAPI, what: str) -> dict[str, int]:
    found: dict[str, int] = app.state.work_watch.by_queue(what)
    return found


def _count_rows(meters: Meters, manners: Manners) -> None:
    requests = manners.requests
    meters.counter(
        "throughline_request_log_written", "Rows of the request log written.", lambda: requests.written_count
    )
    meters.counter(
        "throughline_request_log_dropped", "Rows of the request log lost.", lambda: requests.dropped_count
    )


def _age_s(answers: Answers) -> float | None:
    try:
        return (datetime.now(UTC) - answers.reader.release.created_at).total_seconds()
    except ReleaseError:
        return None
