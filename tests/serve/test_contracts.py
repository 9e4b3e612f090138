"""Answers are built as plain values for speed, so each one is held against its declared model here, field by field."""

from __future__ import annotations

import pytest
from fastapi.routing import APIRoute

from serve.app import create_app
from tests.serve.small_release import UNKNOWN, A, B

PATHS = [
    route.path
    for route in create_app().routes
    if isinstance(route, APIRoute) and "GET" in route.methods and route.path != "/api/v1/metrics"
    if route.endpoint.__module__.startswith(
        ("serve.analytics", "serve.fleet.costs", "serve.fleet.maintenance")
    )
]
MODELS = {route.path: route.response_model for route in create_app().routes if isinstance(route, APIRoute)}


@pytest.mark.parametrize("tenant", [A, B, UNKNOWN])
@pytest.mark.parametrize("path", PATHS)
def test_the_answer_is_what_the_model_says(as_caller, path, tenant):
    response = as_caller(tenant).get(path)
    assert response.status_code == 200, response.text
    MODELS[path].model_validate_json(response.content, strict=True)
