"""The guide to a new domain is true: its code, built from the page, serves what the page says, in under 60 lines."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

import psycopg
import pytest
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine

import serve.fleet
from serve import app as application
from serve.kernel import permissions
from serve.kernel.schema import metadata
from serve.settings import Settings
from tests.serve.conftest import Running
from tests.serve.firm import VAN, Firm

GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "new-domain.md"
PART = re.compile(r"^`(serve/[\w/]+\.py)`:.*?```python\n(.*?)```", re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def parts() -> dict[str, str]:
    return dict(PART.findall(GUIDE.read_text()))


@pytest.fixture(scope="module")
def permits(parts, pg, tmp_path_factory):
    """A firm whose service has the guide's domain; everything of it is gone afterwards."""
    folder = tmp_path_factory.mktemp("guide")
    for path, code in parts.items():
        if "/migrations/" not in path:
            file = folder / Path(path).relative_to("serve/fleet")
            file.parent.mkdir(exist_ok=True)
            file.write_text(code)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(serve.fleet, "__path__", [*serve.fleet.__path__, str(folder)])
        patch.setitem(
            permissions.ROLES, "owner", permissions.ROLES["owner"] | {"permits:read", "permits:write"}
        )
        module = importlib.import_module("serve.fleet.permits.endpoints")
        patch.setattr(application, "ROUTERS", (*application.ROUTERS, module.router))
        address = pg.clone()
        _migrate(address, next(code for path, code in parts.items() if "/migrations/" in path))
        settings = Settings(throughline_home=tmp_path_factory.mktemp("home"), database_url=address.base)
        running = Running(application.create_app(settings)).start()
        try:
            yield Firm(running, address).settle()
        finally:
            running.stop()
            pg.drop(address)
            metadata.remove(metadata.tables["permits"])
            for name in [name for name in sys.modules if name.startswith("serve.fleet.permits")]:
                del sys.modules[name]


def _migrate(address, code: str) -> None:
    engine = create_engine(address.url("owner", driver="postgresql+psycopg"))
    with engine.begin() as connection, Operations.context(MigrationContext.configure(connection)):
        names: dict = {}
        exec(compile(code, "migration", "exec"), names)  # the page's own code
        names["upgrade"]()


def test_it_is_under_60_lines(parts):
    lines = [line for text in parts.values() for line in text.splitlines() if line.strip()]
    assert len(parts) == 5
    assert len(lines) < 60


def test_it_serves_what_the_page_says(permits):
    owner = permits.client()
    van = owner.post("/api/v1/vehicles", json=VAN).json()["data"]
    body = {"vehicle_id": van["id"], "number": "P-101", "validFrom": "2026-01-01"}
    made = owner.post("/api/v1/permits", json=body)
    assert made.status_code == 201, made.text
    permit = made.json()["data"]
    path = f"/api/v1/permits/{permit['id']}"
    assert (
        owner.get("/api/v1/permits", params={"search": "p-10", "status": "valid"}).json()["meta"]["total"]
        == 1
    )
    revoked = owner.post(f"{path}/revoke")
    assert revoked.json()["data"]["status"] == "revoked"
    assert owner.patch(path, json={"status": "valid"}).json()["error"]["code"] == "PERMIT_REVOKED"
    names = [event["name"] for event in owner.get(f"{path}/history").json()["data"]]
    assert names == ["permit.revoked", "permit.created"]
    assert permits.client(tenant=permits.b).get(path).status_code == 404
    assert permits.client("viewer").get(path).status_code == 403
    documented = permits.running.app.openapi()["paths"]["/api/v1/permits/{id}/revoke"]["post"]
    assert {"200", "401", "403", "404", "409", "422"} <= documented["responses"].keys()


def test_the_table_is_guarded_like_every_other(permits):
    with psycopg.connect(permits.address.url("super")) as connection:
        guarded = connection.execute(
            "select relrowsecurity, relforcerowsecurity from pg_class where relname = 'permits'"
        ).fetchone()
    assert guarded == (True, True)
