"""What every area stands on: the routes of the area, and which of them are open to everybody."""

from __future__ import annotations

from fastapi.routing import APIRouter

from serve.platform.actions.endpoints import router as actions
from serve.platform.audit.endpoints import router as audit
from serve.platform.docs.endpoints import router as docs
from serve.platform.events.endpoints import router as events
from serve.platform.experiments.endpoints import features as experimental_features
from serve.platform.experiments.endpoints import looking as experiment_results
from serve.platform.experiments.endpoints import router as experiments
from serve.platform.files.endpoints import avatars
from serve.platform.files.endpoints import router as files
from serve.platform.flags.endpoints import asking as flag_answers
from serve.platform.flags.endpoints import router as flags
from serve.platform.flags.endpoints import segment_router as flag_segments
from serve.platform.health.endpoints import router as health
from serve.platform.health.metrics import router as own_metrics
from serve.platform.imports.endpoints import router as imports
from serve.platform.limits.endpoints import router as own_limits
from serve.platform.mails.endpoints import router as mails
from serve.platform.mcp.endpoints import router as mcp
from serve.platform.notifications.endpoints import router as notifications
from serve.platform.pages.endpoints import router as pages
from serve.platform.realtime.endpoints import router as realtime
from serve.platform.realtime.endpoints import sockets
from serve.platform.schedules.endpoints import router as schedules
from serve.platform.settings.endpoints import mail as mail_settings
from serve.platform.settings.endpoints import router as settings_routes
from serve.platform.tasks.endpoints import router as tasks
from serve.platform.versions.endpoints import router as versions

ROUTERS: tuple[APIRouter, ...] = (
    avatars,
    actions,
    events,
    audit,
    flags,
    flag_answers,
    flag_segments,
    experiments,
    experiment_results,
    experimental_features,
    own_limits,
    mails,
    mcp,
    versions,
    notifications,
    realtime,
    sockets,
    mail_settings,
    settings_routes,
    imports,
    schedules,
    tasks,
    files,
    health,
    own_metrics,
    docs,
    pages,
)

PUBLIC = frozenset(
    {
        "GET /api/v1/files/shared",  # opens nothing without a signature of ours
        "GET /health/live",
        "GET /health/ready",
        "GET /metrics",  # to this machine or with a token: serve/platform/health/metrics.py
        "GET /openapi.json",
        "GET /docs",
        "GET /docs/init.js",
        "GET /docs/errors",
        "GET /docs/openapi-3.0.json",
        "GET /docs/assets",
        "GET /",
        "GET /account",  # the links of mails open it; what they carry never reaches the server with it
        "WS /ws",  # asks for a token itself, in the first message at the latest
        "GET /pages",  # the dashboard's own files hold no figures: it asks the API for them
    }
)
"""What may be called without logging in."""
