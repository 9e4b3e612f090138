"""The document is complete: every operation says what it does, answers and refuses, with examples that are true."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from fastapi.routing import APIRoute

from serve.app import PUBLIC, create_app
from serve.kernel.openapi import document, example_of
from serve.platform.docs.older import as_3_0

APP = create_app()
DOCUMENT = document(APP)
OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
}
ROUTES = {
    f"{method} {route.path}": route
    for route in APP.routes
    if isinstance(route, APIRoute) and route.include_in_schema
    for method in route.methods
}
EXPECTED = {
    "GET /api/v1/dashboard/kpis",
    "GET /api/v1/dashboard/metrics",
    "GET /api/v1/analytics",
    "GET /api/v1/analytics/roi/calculation",
    "GET /api/v1/business-intelligence/operational-pulse",
    "GET /api/v1/business-intelligence/churn-risk",
    "GET /api/v1/business-intelligence/revenue-cost-margin",
    "GET /api/v1/business-intelligence/revenue-forecast",
    "GET /api/v1/business-intelligence/compliance-status",
    "GET /api/v1/business-intelligence/top-enterprise-clients",
    "GET /api/v1/fleet/maintenance/forecast",
    "GET /api/v1/fleet-operational-costs",
    "GET /api/v1/fuel-cost-metrics",
    "GET /api/v1/downtime-metrics",
    "GET /api/v1/assets/maintenance-costs",
    "GET /api/v1/assets/operational-costs",
    "GET /api/v1/metrics",
    "POST /api/v1/metrics/query",
    "POST /api/v1/auth/login",
    "POST /api/v1/auth/logout",
    "GET /api/v1/auth/me",
    "GET /health/live",
    "GET /health/ready",
}

OTHER_PROTOCOLS = {"POST /api/v1/mcp": {"jsonrpc", "id"}}
"""Operations whose answers have an envelope of another standard, and what is always in it."""

ANSWER_FROM_A_RELEASE = ("serve.analytics", "serve.fleet.costs", "serve.fleet.maintenance")


def test_every_promised_operation_is_there():
    assert set(OPERATIONS) >= EXPECTED


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_an_operation_is_described(name):
    operation = OPERATIONS[name]
    assert operation["summary"]
    assert operation["description"]
    assert operation["tags"]
    for parameter in operation.get("parameters", ()):
        assert parameter.get("description") or "enum" in json.dumps(parameter["schema"]), parameter["name"]
    success = next(status for status in operation["responses"] if status.startswith(("2", "3")))
    if success == "303":  # a browser is sent on
        assert operation["responses"][success]["headers"].keys() == {"Location"}
        return
    kinds = operation["responses"][success]["content"]
    if "application/json" not in kinds:  # a file
        assert kinds
        if stream := kinds.get("text/event-stream"):
            assert [set(event["required"]) for event in stream["schema"]["anyOf"]] == [
                {"data"},
                {"event", "data"},
            ]
            return
        assert {kind["schema"]["type"] for kind in kinds.values()} == {"string"}
        return
    content = kinds["application/json"]
    if name in OTHER_PROTOCOLS:
        assert set(content["schema"]["required"]) == OTHER_PROTOCOLS[name]
        return
    assert content["schema"]["$ref"].startswith("#/components/schemas/Success")
    route = ROUTES[name]
    assert content["example"] == example_of(route.response_model)
    route.response_model.model_validate_json(json.dumps(content["example"]), strict=True)


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_an_operation_says_how_it_fails(name):
    operation = OPERATIONS[name]
    expected = {"422"} if name in PUBLIC else {"401", "403", "422"}
    refusals = {status: entry for status, entry in operation["responses"].items() if int(status) >= 400}
    assert expected <= set(refusals)
    for entry in refusals.values():
        content = entry["content"]["application/json"]
        assert content["schema"] == {"$ref": "#/components/schemas/ErrorEnvelope"}
        assert content["examples"]
    assert (name in PUBLIC) == ("security" not in operation)
    if ROUTES[name].endpoint.__module__.startswith(ANSWER_FROM_A_RELEASE) and name.startswith("GET"):
        assert {"304", "406", "503"} <= set(operation["responses"])
        assert "text/csv" in operation["responses"]["200"]["content"]


def test_every_reference_leads_somewhere():
    named = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(DOCUMENT)))
    assert named == set(DOCUMENT["components"]["schemas"])


def test_a_row_of_a_bulk_call_is_shown():
    changes = DOCUMENT["components"]["schemas"]["ContactChanges"]["properties"]["rows"]["items"]
    assert changes["required"] == ["id"]
    assert "full_name" in changes["properties"]


def test_no_parameter_is_null():
    """Neither an address nor a header has a word for it."""
    for name, operation in OPERATIONS.items():
        for parameter in operation.get("parameters", ()):
            assert "null" not in json.dumps(parameter["schema"]), f"{name}: {parameter['name']}"


def test_operation_ids_are_unique():
    ids = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(ids) == len(set(ids))


def test_it_needs_no_database_and_no_home(tmp_path: Path):
    code = "from serve.app import create_app; import sys, json; json.dump(create_app().openapi(), sys.stdout)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        env={
            "PATH": "",
            "THROUGHLINE_HOME": str(tmp_path / "none"),
            "DATABASE_URL": "postgresql://localhost:1/x",
        },
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == json.loads(json.dumps(DOCUMENT))
    assert not (tmp_path / "none").exists()


class TestServed:
    def test_the_document_and_its_etag(self, shared_service):
        client = shared_service.client()
        first = client.get("/openapi.json")
        for _ in range(10):  # a busy machine takes longer to make it than one request may take
            if first.status_code != 504:
                break
            first = client.get("/openapi.json")
        assert first.json() == json.loads(json.dumps(DOCUMENT))
        again = client.get("/openapi.json", headers={"If-None-Match": first.headers["etag"]})
        assert again.status_code == 304

    def test_the_page_loads_nothing_from_elsewhere(self, shared_service):
        client = shared_service.client()
        page = client.get("/docs").text
        assert "http" not in page.replace("http-equiv", "")
        for asset in ("/docs/init.js", "/docs/assets/swagger-ui-bundle.js", "/docs/assets/swagger-ui.css"):
            assert asset in page
            assert client.get(asset).status_code == 200
        assert client.get("/docs/assets/..%2f..%2fsetup.py").status_code == 404


class TestOlderWords:
    def test_nothing_new_is_left(self):
        older = as_3_0(DOCUMENT)
        assert older["openapi"] == "3.0.3"
        assert set(older["paths"]) == set(DOCUMENT["paths"])
        text = json.dumps(older["components"])
        assert '"type": "null"' not in text
        assert '"const"' not in text

    def test_an_empty_value_is_allowed_in_the_older_way(self):
        text_or_none = {"anyOf": [{"type": "string"}, {"type": "null"}], "title": "T"}
        document = {"openapi": "3.1.0", "info": {}, "x": text_or_none}
        assert as_3_0(document)["x"] == {"type": "string", "title": "T", "nullable": True}
        assert text_or_none["anyOf"]  # the original stays as it was
