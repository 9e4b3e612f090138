"""Scores coming back: events of their own, by the pipeline, and no edit to whoever has read the row."""

from __future__ import annotations

from uuid import uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.serve.firm import VAN

REASONS = [{"feature": "days_since_last_job", "value": 210}]


def score(firm, entity: str, entity_id: str, score: float, release: str | None = None) -> None:
    """As the pipeline does it: copied, then applied."""
    release = release or str(uuid4())
    with psycopg.connect(firm.address.url("worker")) as worker:
        worker.execute(
            "insert into score_batches (tenant_id, entity, entity_id, score, reasons, model_version, release_id)"
            " values (%s, %s, %s, %s, %s, 'v1', %s)",
            (firm.a, entity, entity_id, score, Jsonb(REASONS), release),
        )
        assert worker.execute("select apply_score_batch(%s)", (release,)).fetchone() in [(1,), (0,)]


@pytest.mark.parametrize(
    ("path", "body", "entity", "prefix"),
    [
        ("/api/v1/accounts", {"name": "Acme", "country": "DE"}, "account", "churn"),
        ("/api/v1/vehicles", VAN, "vehicle", "failure"),
    ],
)
class TestScores:
    @pytest.fixture
    def row(self, firm, path, body):
        body = body | ({"registration": str(uuid4())[:8]} if "registration" in body else {})
        return firm.client().post(path, json=body).json()["data"]["id"]

    def test_the_event_is_the_pipelines_and_holds_the_scores_alone(
        self, firm, row, entity, prefix, path, body
    ):
        score(firm, entity, row, 0.25)
        [(name, kind, actor, tenant, before, after)] = firm.sql(
            "select name, actor_kind, actor_id, tenant_id, before, after from events"
            " where entity_id = %s order by position offset 1",
            row,
        )
        assert (name, kind, actor, tenant) == (f"{entity}.scored", "pipeline", None, firm.a)
        columns = {f"{prefix}_score", f"{prefix}_reasons", f"{prefix}_scored_at"}
        assert set(before) == set(after) == columns
        assert after[f"{prefix}_score"] == 0.25
        assert after[f"{prefix}_reasons"] == REASONS
        assert before[f"{prefix}_score"] is None

    def test_whoever_has_read_the_row_may_still_change_it(self, firm, row, entity, path, body, prefix):
        owner = firm.client()
        read = owner.get(f"{path}/{row}")
        score(firm, entity, row, 0.75)
        again = owner.get(f"{path}/{row}")
        assert again.headers["etag"] == read.headers["etag"]
        assert again.json()["data"]["updated_at"] == read.json()["data"]["updated_at"]
        changed = owner.patch(
            f"{path}/{row}", json={"external_id": str(uuid4())}, headers={"If-Match": read.headers["etag"]}
        )
        assert changed.status_code == 200
        assert [event[0].partition(".")[2] for event in firm.events(row)] == ["created", "scored", "updated"]

    def test_the_same_score_again_is_no_event(self, firm, row, entity, path, body, prefix):
        for _ in range(2):
            score(firm, entity, row, 0.5)
        assert len(firm.events(row)) == 2

    def test_the_history_of_the_row_shows_it(self, firm, row, entity, path, body, prefix):
        score(firm, entity, row, 0.5)
        newest = firm.client().get(f"{path}/{row}/history").json()["data"][0]
        assert (newest["name"], newest["actor_kind"]) == (f"{entity}.scored", "pipeline")


def test_what_comes_after_in_the_same_transaction_has_its_own_name(firm):
    made = firm.client().post("/api/v1/accounts", json={"name": "Acme", "country": "DE"}).json()["data"]["id"]
    with psycopg.connect(firm.address.url("worker")) as worker:
        worker.execute(
            "insert into score_batches (tenant_id, entity, entity_id, score, reasons, model_version, release_id)"
            " values (%s, 'account', %s, 0.1, '[]', 'v1', 'r')",
            (firm.a, made),
        )
        worker.execute(
            "select set_config('app.tenant_id', %s, true), set_config('app.tenant_ids', %s, true)",
            (str(firm.a), str(firm.a)),
        )
        worker.execute("select apply_score_batch('r')")
        worker.execute("update accounts set city = 'Bremen' where id = %s", (made,))
    events = firm.sql(
        "select name, actor_kind from events where entity_id = %s order by position offset 1", made
    )
    assert events == [("account.scored", "pipeline"), ("account.updated", "throughline_worker")]
