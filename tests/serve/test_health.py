"""Alive and ready are two questions."""

from __future__ import annotations

import psycopg

from serve.kernel import migrate


def parts(response) -> dict[str, str]:
    return {detail["field"]: detail["message"] for detail in response.json()["error"]["details"]}


def test_alive_without_anything(home, run_app):
    assert run_app(home, database_url="postgresql://localhost:1/none").client().get(
        "/health/live"
    ).json() == {
        "success": True,
        "data": {"status": "live"},
        "meta": {},
    }


def test_ready_with_database_migrations_and_release(home, releases, run_app, db):
    response = run_app(home, database_url=db.base).client().get("/health/ready")
    assert response.status_code == 200, response.text
    data = response.json()["data"]
    assert [data[part]["state"] for part in ("database", "migrations", "release")] == ["ready"] * 3
    assert data["release_as_of"].startswith("2026-01-31")


def test_everything_missing_is_named(home, run_app):
    response = run_app(home, database_url="postgresql://localhost:1/none").client().get("/health/ready")
    assert (response.status_code, response.json()["error"]["code"]) == (503, "NOT_READY")
    assert set(parts(response)) == {"database", "migrations", "release"}


def test_an_old_schema_is_not_ready(home, releases, run_app, db):
    with psycopg.connect(db.url("super")) as connection:
        connection.execute("update alembic_version set version_num = 'older'")
    response = run_app(home, database_url=db.base).client().get("/health/ready")
    assert parts(response) == {
        "migrations": f"The database is at revision older, this program expects {migrate.head()}."
    }
