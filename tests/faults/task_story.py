"""What must be true of tasks when everything has come to rest, by what is in the store and in the file outside."""

from __future__ import annotations

import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tests.faults.service import Service

RUN = re.compile(
    # queued; begun and come back any number of times; an end, after which somebody may have it tried again
    r"created (?:(?:(?:started|handed_back|failing|resumed|paused(?= resumed| cancelled)) )*"
    r"(?:succeeded|failed|cancelled)(?: retried |$))+"
)
_OPEN = "select count(*) from tasks where status in ('queued', 'running')"
_WAITING = (
    "select count(*) from dbos.workflow_status"
    " where name = 'run_task' and status in ('PENDING', 'ENQUEUED', 'DELAYED')"
)


def rest(service: Service, *, timeout_s: float = 120.0) -> None:
    """Until no task is open, and none is claimed or waits in the queue."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if service.sql(_OPEN) == [(0,)] and service.sql(_WAITING) == [(0,)]:
            return
        time.sleep(0.05)
    left = service.sql(
        "select t.id::text, t.status, t.run, t.attempt, t.worker, t.not_before - now(), w.workflow_uuid, w.status,"
        " w.executor_id, w.application_version from tasks t full join dbos.workflow_status w"
        " on w.workflow_uuid = t.id || '.' || t.run where t.status in ('queued', 'running')"
        " or w.status in ('PENDING', 'ENQUEUED', 'DELAYED')"
    )
    raise AssertionError(f"never at rest: {left[:10]}")


def check(
    service: Service, outside: Path, acknowledged: Iterable[str] = (), failed: Mapping[str, str] | None = None
) -> Counter[str]:
    """Every promise about every task of the tests; how many ended how. ``failed``: codes of those that had to fail."""
    failed = failed or {}
    tasks = service.sql(
        "select id::text, status, done_count, params, error, round, result from tasks where kind like 'tests.%%'"
    )
    known = {task_id for task_id, *_ in tasks}
    assert set(acknowledged) <= known, "acknowledged and gone"
    effects = Counter(service.sql("select task_id::text, round, step from effects"))
    lines = _lines(outside)
    finished: dict[str, dict[tuple[int, str], float]] = defaultdict(dict)
    for task_id, round_, name, at in service.sql(
        "select task_id::text, round, name, extract(epoch from finished_at)::float8 from task_steps"
        " where finished_at is not null"
    ):
        finished[task_id][round_, name] = at
    for task_id, status, done_count, params, error, round_, result in tasks:
        steps, done = params.get("steps", []), finished[task_id]
        assert done_count == sum(each == round_ for each, _ in done), (task_id, done_count, done)
        if status == "succeeded":
            assert sum(each == round_ for each, _ in done) == result["steps"], (task_id, done)
        elif task_id in failed:
            assert (status, error["code"]) == ("failed", failed[task_id])
        elif status == "failed":
            assert any(name.startswith("once") for name in steps), error
            assert error["code"] == "OUTCOME_UNKNOWN", error
        for (of, at_round, name), count in effects.items():
            if of == task_id:
                assert count == 1, f"{count} times: {task_id} {name}"
                assert (at_round, name) in done, f"undone: {task_id} {name}"
    _check_inside(effects, finished)
    _check_outside(lines, finished)
    _check_events(service, known)
    strangers = service.sql(
        "select workflow_uuid from dbos.workflow_status w left join tasks t"
        " on t.id = split_part(workflow_uuid, '.', 1)::uuid where w.name = 'run_task' and t.id is null"
    )
    assert strangers == [], "in the queue without a task"
    return Counter(status for _, status, *_ in tasks)


def _check_inside(effects: Counter[Any], finished: dict[str, dict[tuple[int, str], float]]) -> None:
    recorded = {
        (task_id, round_, name)
        for task_id, done in finished.items()
        for round_, name in done
        if name.startswith("in")
    }
    assert recorded == set(effects), "recorded as done, and not done"


def _check_outside(lines: list[Any], finished: dict[str, dict[tuple[int, str], float]]) -> None:
    ids: dict[Any, set[str]] = defaultdict(set)
    counts: Counter[Any] = Counter()
    for at, task_id, round_, stable_id, name in lines:
        step = (task_id, round_, name)
        ids[step].add(stable_id)
        counts[step] += 1
        recorded_at = finished[task_id].get((round_, name))
        assert recorded_at is None or at <= recorded_at, f"done again after it was recorded: {step}"
    assert all(len(each) == 1 for each in ids.values()), "an id that changes"
    for step, count in counts.items():
        if step[2].startswith("once"):
            assert count == 1, f"{count} times: {step}"
    for task_id, done in finished.items():
        for round_, name in done:
            if name.startswith(("out", "once")):
                assert counts[task_id, round_, name], (
                    f"recorded as done outside, and not done: {task_id} {name}"
                )


def _check_events(service: Service, known: set[str]) -> None:
    stories: dict[str, list[str]] = defaultdict(list)
    for task_id, name in service.sql(
        "select entity_id::text, name from events where entity_type = 'task' and category = 'change' order by position"
    ):
        if task_id in known:
            stories[task_id].append(name.removeprefix("task."))
    assert set(stories) == known
    for task_id, story in stories.items():
        assert RUN.fullmatch(" ".join(story)), (task_id, story)


def _lines(outside: Path) -> list[Any]:
    found = []
    for line in outside.read_text().splitlines() if outside.exists() else ():
        at, task_id, round_, stable_id, name = line.split(" ", 4)
        found.append((float(at), task_id, int(round_), stable_id, name))
    return found
