"""A manager has accounts counted every morning; one day it is held, moved and done at once, and in the end left."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

GROUP = "schedules"
MORNING = {
    "name": "New customers",
    "operation_id": "accounts.create",
    "params": {"name": "Made every morning", "country": "DE"},
    "cron": "30 7 * * *",
    "timezone": "Europe/Berlin",
}


def test_every_morning(office):
    manager, agent = office.person("manager"), office.person("agent")
    agent("POST /api/v1/schedules", MORNING, refused=403)
    assert manager("POST /api/v1/schedules", MORNING | {"cron": "7:30"}, refused=422).error["details"]
    made = manager("POST /api/v1/schedules", MORNING)
    schedule_id = made.data["id"]
    [listed] = manager("GET /api/v1/schedules", status="active").data
    assert listed["id"] == schedule_id
    first = manager("GET /api/v1/schedules/{id}/next-run", id=schedule_id).data
    assert "T07:30:00+0" in first["next_run_local"]

    # The morning comes: the account is there, made by the manager, and the history tells of it.
    office.clock(datetime.fromisoformat(first["next_run_at"]))
    office.work()
    assert manager("GET /api/v1/accounts", search="morning").meta["total"] == 1
    [run] = manager("GET /api/v1/schedules/{id}/history", id=schedule_id).data
    assert (run["outcome"], run["task_status"]) == ("started", "succeeded")

    # Held, the next morning passes; after a restart it still is, and then it goes on.
    manager("POST /api/v1/schedules/{id}/pause", id=schedule_id)
    office.restart()
    office.clock(datetime.now(UTC) + timedelta(days=3))
    assert len(manager("GET /api/v1/schedules/{id}/history", id=schedule_id).data) == 1
    assert manager("POST /api/v1/schedules/{id}/resume", id=schedule_id).data["status"] == "active"

    # Moved to the evening; who read the schedule before that cannot overwrite it.
    evening = MORNING | {"cron": "0 18 * * *", "name": "New customers, evenings"}
    moved = manager("PUT /api/v1/schedules/{id}", evening, id=schedule_id)
    assert moved.data["next_run_at"] != made.data["next_run_at"]
    manager("PUT /api/v1/schedules/{id}", MORNING, id=schedule_id, if_match=made.etag, refused=412)

    # Done at once by the owner, as the owner.
    owner = office.person("owner")
    started = owner("POST /api/v1/schedules/{id}/run-now", id=schedule_id).data
    office.work()
    task = owner("GET " + started["url"]).data
    assert (task["status"], task["user_id"]) == ("succeeded", owner.id)
    assert owner("GET /api/v1/accounts", search="morning").meta["total"] == 2

    # Left: nobody finds it any more, and its time does not come.
    manager("DELETE /api/v1/schedules/{id}", id=schedule_id)
    manager("GET /api/v1/schedules/{id}", id=schedule_id, refused=404)
    office.clock(datetime.now(UTC) + timedelta(days=30))
    office.work()
    assert owner("GET /api/v1/accounts", search="morning").meta["total"] == 2
    kept = manager("POST /api/v1/schedules", MORNING | {"name": "Another"}).data["id"]
    assert manager("GET /api/v1/schedules/{id}", id=kept).data["name"] == "Another"
