"""``throughline worker``: the application without HTTP, carrying out tasks until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
from functools import partial

from serve.app import create_app, database_address
from serve.crm.assignment.sweeping import EVERY_S as LEADS_EVERY_S
from serve.crm.assignment.sweeping import assign_due
from serve.crm.places.locating import EVERY_S as PLACES_EVERY_S
from serve.crm.places.locating import locate_due
from serve.crm.reviews.after_jobs import EVERY_S as REVIEWS_EVERY_S
from serve.crm.reviews.after_jobs import queue_due as queue_reviews
from serve.crm.scoring.sweeping import EVERY_S as SCORES_EVERY_S
from serve.crm.scoring.sweeping import score_due
from serve.crm.tickets.escalation import EVERY_S as TICKETS_EVERY_S
from serve.crm.tickets.escalation import queue_due
from serve.kernel.background import Background
from serve.kernel.db import Database
from serve.kernel.etag import PROGRAM
from serve.kernel.resources.errors import meaning
from serve.kernel.tasks.kinds import QueueMissing, parse_queues
from serve.kernel.tasks.presence import NameTaken
from serve.kernel.tasks.worker import Worker
from serve.platform.schedules.firing import EVERY_S, fire_due
from serve.settings import Settings
from warehouse.settings import Home


def run(settings: Settings) -> None:
    """Until SIGTERM or SIGINT; running steps are finished first. What a person must put right ends it with a word."""
    try:
        asyncio.run(_run(settings))
    except (NameTaken, QueueMissing) as problem:
        raise SystemExit(f"the worker cannot start: {problem}") from None


async def _run(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    app = create_app(settings.model_copy(update={"background_work": False}))
    async with app.router.lifespan_context(app):
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        home = Home(settings.throughline_home)
        state, queues = app.state, parse_queues(settings.task_queues)
        database = Database(
            lambda: database_address(home, settings, "worker"),
            size=settings.worker_tasks * len(queues) + 2,
            vault=state.database.vault,
            meaning=meaning,
        )
        worker = Worker(
            lambda: database_address(home, settings, "worker"),
            database,
            name=settings.worker_name,
            version=settings.worker_version or PROGRAM,
            queues=queues,
            at_once=settings.worker_tasks,
            state=state,
            silent_s=settings.worker_silent_s,
            kept_days=settings.tasks_kept_days,
            give_up=stop.set,
        )
        clock = Background()
        try:
            starting, stopping = asyncio.create_task(worker.start()), asyncio.create_task(stop.wait())
            await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                starting.result()
                clock.every(EVERY_S, partial(fire_due, database), name="schedules")
                clock.every(TICKETS_EVERY_S, partial(queue_due, database), name="tickets")
                clock.every(LEADS_EVERY_S, partial(assign_due, database), name="leads")
                scoring = partial(score_due, database, state.models, kept=settings.lead_scores_kept)
                clock.every(SCORES_EVERY_S, scoring, name="scores")
                clock.every(PLACES_EVERY_S, partial(locate_due, database, state.ways), name="places")
                clock.every(REVIEWS_EVERY_S, partial(queue_reviews, database), name="reviews")
                print("worker is ready", flush=True)
                await stopping
            else:
                starting.cancel()
        finally:
            await clock.stop()
            await worker.stop()
            await database.close()
