"""The application: every part of the service put together, and nothing else.

``create_app`` connects to nothing; the lifespan does. Run it with
``uvicorn serve.app:create_app --factory``.
"""

from __future__ import annotations

import asyncio
import atexit
import gc
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import cache, partial
from uuid import UUID

from fastapi import FastAPI
from fastapi.routing import APIRouter
from starlette.middleware.cors import CORSMiddleware

from ml.registry import Registry
from serve.analytics import routes as analytics
from serve.crm import routes as crm
from serve.crm.scoring.predicting import warm as warm_models
from serve.finance import routes as finance
from serve.fleet import routes as fleet
from serve.identity import routes as identity
from serve.identity.account_mails.service import LOOK_S as MAILS_LOOK_S
from serve.identity.account_mails.service import AccountMails, forget_old_traces
from serve.identity.account_tokens.limits import LinkCalls
from serve.identity.accounts.service import Accounts
from serve.identity.api_keys.ring import KeyRing
from serve.identity.auth.attempts import Attempts
from serve.identity.auth.notes import SecurityNotes
from serve.identity.auth.service import Login
from serve.identity.factors.service import Proofs
from serve.identity.passkeys.party import RelyingParty
from serve.identity.passkeys.service import forget_challenges
from serve.identity.privacy.returning import notice
from serve.identity.retention.service import ask_daily
from serve.identity.security.watching import watch as watch_sign_ins
from serve.identity.sessions.revocations import LOOK_S as REVOCATIONS_LOOK_S
from serve.identity.sessions.revocations import Revocations
from serve.identity.sessions.service import Sessions, forget_old_sessions
from serve.identity.sso.attempts import forget_attempts
from serve.identity.sso.sign_in import SingleSignOn
from serve.identity.tenants.watch import LOOK_S as TENANTS_LOOK_S
from serve.identity.tenants.watch import Watch as TenantsWatch
from serve.kernel import errors, revision
from serve.kernel.access import check_declared
from serve.kernel.actions import Actions, name_operations
from serve.kernel.answers import Answers
from serve.kernel.background import Background
from serve.kernel.db import Database, DatabaseUnavailable
from serve.kernel.errors import Unavailable
from serve.kernel.etag import PROGRAM
from serve.kernel.idempotency import forget_old_keys
from serve.kernel.layer import Layer, Manners
from serve.kernel.openapi import document
from serve.kernel.quick import ShortWays
from serve.kernel.ratelimit import Limits, RateLimit, SharedDebts, parse_rates
from serve.kernel.realtime.audience import Audience
from serve.kernel.realtime.hub import POLL_S, Hub
from serve.kernel.relay import Reader, Relay
from serve.kernel.request_log import PAUSE_S
from serve.kernel.resources.errors import meaning
from serve.kernel.resources.streams import Exports
from serve.kernel.retirement import close_when_gone
from serve.kernel.routing import add_routes, index_routes
from serve.kernel.standing import Standings
from serve.kernel.tables import all_tables
from serve.kernel.timeouts import Running
from serve.kernel.tokens import Tokens
from serve.kernel.vault import Vault
from serve.platform import routes as platform
from serve.platform.actions.catalogue import Catalogue
from serve.platform.audit.seals import SEAL_EVERY_S, seal
from serve.platform.docs.document import Document
from serve.platform.docs.endpoints import ASSETS
from serve.platform.files.collector import Collector
from serve.platform.files.links import Links
from serve.platform.files.service import Files
from serve.platform.flags.service import Flags, note_stale
from serve.platform.flags.sightings import PAUSE_S as FLAGS_PAUSE_S
from serve.platform.health.metrics import WorkWatch, watch
from serve.platform.limits.service import LOOK_S, TELL_S
from serve.platform.limits.service import Watch as LimitsWatch
from serve.platform.mcp.calls import Desk
from serve.platform.mcp.confirmations import Confirmations
from serve.platform.mcp.server import McpServer
from serve.platform.notifications.reader import tell
from serve.platform.pages.endpoints import FILES
from serve.platform.versions.service import Watch as SunsetsWatch
from serve.ports.dns import TxtRecords
from serve.ports.mail import MailWays, Outbox, SmtpServer
from serve.ports.out import Door
from serve.ports.storage import Storage
from serve.ports.way import Ways
from serve.settings import Settings
from warehouse import postgres
from warehouse.metrics import engine_of
from warehouse.releases import ReleaseError, ReleaseReader
from warehouse.settings import Home

ROUTERS: tuple[APIRouter, ...] = (
    *identity.ROUTERS,
    *analytics.ROUTERS,
    *fleet.ROUTERS,
    *crm.ROUTERS,
    *finance.ROUTERS,
    *platform.ROUTERS,
)

READERS: dict[str, Reader] = {"notifications": tell, "threats": watch_sign_ins}
"""Who reacts to events, by the name under which its place is kept."""

PUBLIC = identity.PUBLIC | platform.PUBLIC | crm.PUBLIC
"""Everything that may be called without logging in."""

WHILE_SUSPENDED = frozenset(
    {
        "POST /api/v1/auth/logout",
        "GET /api/v1/auth/me",
        "GET /api/v1/auth/profile",
        "GET /api/v1/tasks/{id}",
        "GET /api/v1/tenants/{id}",
        "POST /api/v1/tenants/{id}/export",
        "GET /api/v1/tenants/{id}/export",
        "POST /api/v1/tenants/{id}/close",
        "POST /api/v1/tenants/{id}/reopen",
    }
)
"""What people and keys may still do when their tenant stands still: leave, see who they are, take the data along."""


def create_app(settings: Settings | None = None) -> FastAPI:
    """The service with these settings, or those of the environment."""
    settings = settings or Settings()
    app = FastAPI(
        title="Throughline",
        summary="Operations and analytics for service businesses.",
        description="Amounts are minor units of `meta.currency`; days and ranges end at `meta.as_of`.",
        version=PROGRAM,
        lifespan=_lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        form_limits={"max_files": 1, "max_fields": 20},  # of an import; uploads are read by themselves
        telemetry={
            "tracing": False,
            "metrics": False,
            "logs": False,
        },  # looked for at each request, for nobody
    )
    add_routes(app, ROUTERS)
    app.mount("/docs/assets", ASSETS, name="docs-assets")
    app.mount("/pages", FILES, name="pages")
    close_when_gone(app.routes)
    index_routes(app)
    check_declared(app.routes, PUBLIC)
    app.state.standings = Standings(WHILE_SUSPENDED)
    app.state.actions = Actions(app, name_operations(app.routes))
    app.openapi = lambda: document(app)  # type: ignore[method-assign]
    errors.install(app)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=["ETag", "X-Request-ID", "X-Release-Id", "X-Total-Count"],
        )
    app.state.settings, app.state.manners = settings, _manners(settings)
    app.state.public = PUBLIC
    app.state.manners.short_ways = ShortWays(app.routes)
    app.add_middleware(Layer, manners=app.state.manners)
    watch(app)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings: Settings = app.state.settings
    home = Home(settings.throughline_home)
    state = app.state
    _log_accesses()
    state.tokens = Tokens(home.secret("access_token_key"), life_s=settings.token_life_s)
    state.database = Database(
        lambda: database_address(home, settings),
        size=settings.database_pool_size,
        vault=Vault(home.secret("vault_key")),
        meaning=meaning,
    )
    state.worker_database = Database(
        lambda: database_address(home, settings, "worker"),
        size=2,
        vault=state.database.vault,
        meaning=meaning,
    )
    state.work_watch = WorkWatch(state.worker_database, settings.worker_silent_s)
    notice_returns = partial(notice, secret=home.secret("suppression_key"))
    state.relay = Relay(state.worker_database, READERS | {"erased people": notice_returns})
    state.hub = Hub(
        state.database,
        state.worker_database,
        Audience(all_tables()),
        most_of_user=settings.realtime_per_user,
        most_of_tenant=settings.realtime_per_tenant,
    )
    state.manners.draining.told.append(state.hub.end_all)
    state.keys = KeyRing(state.database)
    state.revocations = Revocations(state.database, state.tokens, state.keys)
    state.notes = SecurityNotes(state.database)
    state.flags = Flags(state.database)
    state.exports = Exports(state.database, most=settings.database_pool_size // 2)
    state.login = Login(
        state.database,
        state.tokens,
        Sessions(home.secret("refresh_token_key"), life_h=settings.session_life_h),
        state.notes,
        attempts=Attempts(
            settings.login_attempts_per_min,
            home.secret("device_key"),
            SharedDebts(state.database) if settings.rate_limits_shared else None,
        ),
        password_cost=settings.password_cost,
    )
    state.accounts = Accounts(
        state.login,
        settings.public_address,
        is_open=settings.registration == "open",
        links=RateLimit(1, burst=settings.account_mails_at_once),
    )
    state.link_calls = LinkCalls(
        settings.link_calls_per_min,
        SharedDebts(state.database) if settings.rate_limits_shared else None,
    )
    state.proofs = Proofs(state.database)
    state.relying_party = RelyingParty.of(settings)
    state.models = Registry(home.models)
    state.answers = Answers(
        ReleaseReader(home.releases, memory_limit=settings.release_memory),
        threads=settings.release_threads,
        cache_bytes=settings.answer_cache_mb * 1_000_000,
    )
    state.mail = MailWays(
        Outbox(home.root / "outbox") if settings.mail_outbox else None,
        private_hosts=settings.mail_private_hosts,
        timeout_s=settings.mail_timeout_s,
    )
    state.account_mails = AccountMails(
        state.worker_database, state.mail, _own_mail_server(settings), settings.mail_from
    )
    state.ways = Ways(Door(private_too=settings.out_private_hosts, ports=settings.out_ports))
    state.sso = SingleSignOn(
        state.database,
        state.login,
        state.ways.door,
        TxtRecords(settings.dns_resolver),
        home.secret("sso_key"),
        address=settings.public_address,
        plain_too=settings.out_private_hosts,
    )
    state.files = Files(
        Storage(settings.files_url or str(home.root / "files")),
        Links(home.secret("file_link_key")),
        most_file_bytes=settings.max_file_bytes,
        quota_bytes=settings.files_quota_bytes,
    )
    state.newest_revision = revision.newest()
    state.document = Document(home.root / "openapi")
    state.catalogue = Catalogue()
    desk = Desk(state.actions, state.database, Confirmations(home.secret("confirmation_key")))
    state.mcp = McpServer(desk, state.catalogue, version=app.version)
    warming = asyncio.create_task(_warm_up(state.answers, state.models))
    state.background = Background(is_on=settings.background_work)
    state.relay.start(state.background)
    state.own_loops = Background()  # what this process must do whatever others do
    write_requests = partial(state.manners.requests.write, state.worker_database)
    state.own_loops.every(PAUSE_S, write_requests, name="request log")
    state.own_loops.every(POLL_S, state.hub.turn, name="realtime")
    with suppress(Unavailable):
        await state.revocations.look()  # before the first request: a token may be older than this process
    state.own_loops.every(REVOCATIONS_LOOK_S, state.revocations.look, name="revocations")
    tenants_watch = state.tenants_watch = TenantsWatch(state.database, state.standings, state.hub)
    with suppress(Unavailable):
        await tenants_watch.look()  # before the first call: who stands still stays so
    state.own_loops.every(TENANTS_LOOK_S, tenants_watch.look, name="standing of tenants")
    limits = LimitsWatch(state.database, state.worker_database, state.manners.limits)
    state.own_loops.every(LOOK_S, limits.look, name="own limits of tenants")
    sunsets = SunsetsWatch(state.database, state.manners.sunsets)
    state.own_loops.every(LOOK_S, sunsets.look, name="own sunsets of tenants")
    state.own_loops.every(TELL_S, limits.tell, name="refusals of tenants")
    write_flags = partial(state.flags.sightings.write, state.worker_database)
    state.own_loops.every(FLAGS_PAUSE_S, write_flags, name="use of flags")
    state.background.every(3600.0, partial(note_stale, state.worker_database), name="stale flags")
    state.background.every(
        3600.0, partial(forget_old_keys, state.worker_database), name="old idempotency keys"
    )
    state.background.every(MAILS_LOOK_S, state.account_mails.send_due, name="mails about accounts")
    state.background.every(
        3600.0, partial(forget_old_traces, state.worker_database), name="traces of accounts"
    )
    forget = partial(forget_old_sessions, state.worker_database, state.login.sessions.life)
    state.background.every(3600.0, forget, name="old sessions")
    state.background.every(3600.0, partial(forget_challenges, state.worker_database), name="old challenges")
    state.background.every(3600.0, partial(ask_daily, state.worker_database), name="retention")
    forget_sso = partial(forget_attempts, state.worker_database)
    state.background.every(3600.0, forget_sso, name="old sign-ins by providers")
    collector = Collector(state.worker_database, state.files.storage, kept_s=settings.files_kept_h * 3600)
    state.background.every(3600.0, collector.collect, name="collecting of files")
    state.background.every(SEAL_EVERY_S, partial(seal, state.worker_database), name="sealing of events")
    try:
        with state.manners.draining.on_signal(pause_s=settings.shutdown_pause_s):
            yield
    finally:
        warming.cancel()
        await state.background.stop()
        await state.own_loops.stop()
        await state.hub.rest()
        state.manners.accesses.write()
        await state.manners.requests.close(state.worker_database)
        await state.flags.sightings.close(state.worker_database)
        state.answers.close()
        await state.notes.close()
        await state.ways.close()
        await state.worker_database.close()
        await state.database.close()


def _manners(settings: Settings) -> Manners:
    return Manners(
        max_body_bytes=settings.max_body_bytes,
        max_upload_bytes=settings.max_upload_bytes,
        running=Running(settings.request_timeout_s),
        limits=Limits(
            parse_rates(settings.rate_limits),
            tenant_factor=settings.rate_limit_tenant_factor,
            is_shared=settings.rate_limits_shared,
        ),
    )


def _own_mail_server(settings: Settings) -> SmtpServer | None:
    """The operator says which; it may well be in a private network."""
    if settings.mail_smtp_host is None:
        return None
    return SmtpServer(
        settings.mail_smtp_host,
        settings.mail_smtp_port,
        settings.mail_smtp_security,
        settings.mail_smtp_username,
        settings.mail_smtp_password,
        timeout_s=settings.mail_timeout_s,
        private_too=True,
    )


async def _warm_up(answers: Answers, models: Registry) -> None:
    """Open the release, load the metric engine and what models of leads are read with, so that no request waits for
    that: a second for the one, six to ten for the other."""
    await asyncio.to_thread(_load, answers)
    await asyncio.to_thread(warm_models, models)
    _freeze()


@cache
def _freeze() -> None:
    """What is there for good is never looked at again: a full collection over all routes and models takes 50 ms.

    Once in a process, and for its life: where applications come and go, as in tests, each would look at everything that
    the ones before it left, half a second of work at every start.
    """
    gc.collect()
    gc.freeze()
    atexit.register(gc.unfreeze)  # libraries count what of theirs is left in the end


def _load(answers: Answers) -> None:
    with suppress(ReleaseError), answers.reader.query(UUID(int=0)) as session:
        if session.semantic_manifest is not None:
            engine_of(session).list()


def database_address(home: Home, settings: Settings, role: str = "api") -> str:
    address = (
        postgres.external(home, settings.database_url) if settings.database_url else postgres.running(home)
    )
    if address is None:
        raise DatabaseUnavailable
    return address.url(role)


def _log_accesses() -> None:
    """One line of JSON a request or seal on standard output, unless somebody configured the logger before."""
    for name in ("throughline.access", "throughline.audit"):
        logger = logging.getLogger(name)
        if not logger.handlers and not logging.getLogger().handlers:
            handler = logging.StreamHandler(sys.stdout)
            handler.setFormatter(logging.Formatter("%(message)s"))
            logger.addHandler(handler)
            logger.setLevel(logging.INFO)
            logger.propagate = False
