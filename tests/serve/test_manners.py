"""What every route promises: the envelope, true status codes, refusals, ids, limits."""

from __future__ import annotations

import logging
from queue import SimpleQueue

import pytest
from fastapi import FastAPI

from serve.app import PUBLIC, create_app
from serve.kernel.access import UndeclaredRoute, check_declared, permission_of
from serve.kernel.params import snake_query

KPIS = "/api/v1/dashboard/kpis"


def refused(response, status: int, code: str) -> dict:
    """The error, after checking that it is told in the envelope."""
    assert response.status_code == status, response.text
    body = response.json()
    assert body["success"] is False
    assert set(body) == {"success", "error"}
    error = body["error"]
    assert set(error) == {"code", "message", "details", "request_id"}
    assert error["code"] == code
    assert error["request_id"] == response.headers["x-request-id"]
    return error


class TestRefusals:
    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"Authorization": "Bearer not.a.token"},
            {"Authorization": "Basic b3duZXI6eA=="},
            {"Cookie": "throughline_access=nonsense"},
        ],
    )
    def test_without_a_valid_token(self, shared_service, headers):
        response = shared_service.client(**headers).get(KPIS)
        refused(response, 401, "UNAUTHENTICATED")
        assert response.headers["www-authenticate"] == "Bearer"

    def test_without_the_permission(self, as_caller):
        refused(as_caller(role="technician").get(KPIS), 403, "FORBIDDEN")
        assert as_caller(role="technician").get("/api/v1/downtime-metrics").status_code == 200

    def test_a_role_nobody_knows_may_nothing(self, as_caller):
        refused(as_caller(role="king").get(KPIS), 403, "FORBIDDEN")

    @pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
    def test_an_unknown_address(self, owner, method):
        refused(owner.request(method, "/api/v1/nothing/here"), 404, "NOT_FOUND")

    def test_a_wrong_method(self, owner):
        response = owner.delete(KPIS)
        refused(response, 405, "METHOD_NOT_ALLOWED")
        assert response.headers["allow"] == "GET, HEAD"

    def test_a_format_that_cannot_be_made(self, owner):
        error = refused(owner.get(KPIS, headers={"Accept": "image/png"}), 406, "NOT_ACCEPTABLE")
        assert "text/csv" in error["message"]

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("range=8d", "range"),
            ("start=yesterday", "start"),
            ("range=custom", "start"),
            ("start=2026-01-05&end=2026-01-01", "start"),
            ("range=7d&end=2026-01-01", "end"),
            ("rnage=7d", "rnage"),
            ("range=7d&range=30d", "range"),
            ("fooBar=1", "fooBar"),
        ],
    )
    def test_a_parameter_that_does_not_fit_is_named(self, owner, query, field):
        error = refused(owner.get(f"{KPIS}?{query}"), 422, "INVALID")
        assert [detail["field"] for detail in error["details"]] == [field]

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("page=0", "page"),
            ("perPage=1001", "perPage"),
            ("page=1&offset=5", "offset"),
            ("sort=password", "sort"),
            ("sort=churn_score;drop", "sort"),
            ("min_score=2", "min_score"),
            ("band=huge", "band"),
        ],
    )
    def test_list_parameters_too(self, owner, query, field):
        error = refused(owner.get(f"/api/v1/business-intelligence/churn-risk?{query}"), 422, "INVALID")
        assert [detail["field"] for detail in error["details"]] == [field]

    def test_a_route_without_parameters_refuses_them_as_well(self, owner):
        refused(owner.get("/health/live?verbose=1"), 422, "INVALID")

    def test_problem_json_for_a_client_that_asks(self, owner):
        response = owner.get(f"{KPIS}?range=8d", headers={"Accept": "application/problem+json"})
        assert response.headers["content-type"] == "application/problem+json"
        body = response.json()
        assert (body["status"], body["title"], body["errors"][0]["field"]) == (422, "INVALID", "range")
        assert owner.get(KPIS, headers={"Accept": "application/problem+json"}).status_code == 200

    def test_a_body_over_the_limit(self, shared_service):
        client = shared_service.client()
        big = b"{" + b" " * 1_048_576
        refused(client.post("/api/v1/auth/login", content=big), 413, "BODY_TOO_LARGE")

        def chunks():
            for _ in range(20):
                yield b" " * 100_000

        headers = {"Content-Type": "application/json"}
        refused(client.post("/api/v1/auth/login", content=chunks(), headers=headers), 413, "BODY_TOO_LARGE")

    def test_a_body_that_is_not_json(self, shared_service):
        client = shared_service.client()
        headers = {"Content-Type": "application/json"}
        refused(client.post("/api/v1/auth/login", content=b"{", headers=headers), 400, "MALFORMED")
        refused(client.post("/api/v1/auth/login", data={"email": "x"}), 415, "UNSUPPORTED_MEDIA_TYPE")

    def test_a_failure_of_ours_shows_no_trace(self, service, monkeypatch):
        monkeypatch.setattr("serve.analytics.dashboard.queries.kpis", lambda *_: 1 / 0)
        response = service.caller().get(KPIS)
        refused(response, 500, "INTERNAL")
        assert "ZeroDivision" not in response.text
        assert "Traceback" not in response.text


class TestAddresses:
    @pytest.mark.parametrize(
        "path", ["/api/dashboard/kpis", "/api/v1/dashboard/kpis/", "/api/dashboard/kpis/"]
    )
    def test_other_spellings_of_an_address(self, owner, path):
        assert owner.get(path).json() == owner.get(KPIS).json()

    def test_head_is_a_get_without_its_body(self, owner):
        head, get = owner.head(KPIS), owner.get(KPIS)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == get.headers["content-length"]
        assert head.headers["etag"] == get.headers["etag"]

    def test_camel_case_parameters(self, owner):
        path = "/api/v1/business-intelligence/churn-risk"
        camel = owner.get(f"{path}?perPage=1&minScore=0.5").json()
        assert camel == owner.get(f"{path}?per_page=1&min_score=0.5").json()
        assert len(camel["data"]) == 1

    def test_values_are_left_alone(self):
        assert snake_query(b"subjectId=camelCase&x=%41B") == (
            b"subject_id=camelCase&x=%41B",
            {"subject_id": "subjectId"},
        )


class TestHeaders:
    def test_a_request_id_is_given_or_kept(self, owner):
        first, second = (owner.get("/health/live").headers["x-request-id"] for _ in range(2))
        assert first != second
        assert (
            owner.get("/health/live", headers={"X-Request-ID": "mine-1"}).headers["x-request-id"] == "mine-1"
        )
        assert owner.get("/health/live", headers={"X-Request-ID": "a b<"}).headers["x-request-id"] != "a b<"

    def test_security_headers(self, owner):
        headers = owner.get(KPIS).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert "'unsafe-inline'" not in owner.get("/docs").headers["content-security-policy"]

    def test_one_line_a_request(self, owner, caplog):
        lines: SimpleQueue[str] = SimpleQueue()  # the line is written after the answer has left

        class Listener(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                if "log-1" in record.getMessage():
                    lines.put(record.getMessage())

        listener, log = Listener(), logging.getLogger("throughline.access")
        log.addHandler(listener)
        try:
            with caplog.at_level("INFO", logger="throughline.access"):
                owner.get("/api/dashboard/kpis?range=7d", headers={"X-Request-ID": "log-1"})
                line = lines.get(timeout=10)
        finally:
            log.removeHandler(listener)
        assert '"path":"/api/dashboard/kpis"' in line
        assert '"route":"/api/v1/dashboard/kpis"' in line
        assert '"status":200' in line
        assert "range" not in line
        assert owner.headers["authorization"] not in line
        assert "aaaaaaaa-0000-7000-8000-000000000001" in line


class TestDefaultRefusal:
    def test_a_route_that_nobody_declared_stops_the_start(self):
        app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
        app.get("/open")(lambda: 1)
        with pytest.raises(UndeclaredRoute, match="GET /open"):
            check_declared(app.routes, frozenset())

    def test_the_public_list_cannot_hide_a_typing_error(self):
        with pytest.raises(UndeclaredRoute, match="GET /gone"):
            check_declared([], frozenset({"GET /gone"}))

    def test_every_other_route_refuses_a_stranger(self, shared_service):
        client = shared_service.client()
        guarded = [
            route for route in create_app().routes if getattr(route, "methods", None) and permission_of(route)
        ]
        assert len(guarded) >= 18
        for route in guarded:
            for method in route.methods:
                assert client.request(method, route.path).status_code == 401, route.path

    def test_the_public_list(self):
        assert {entry for entry in PUBLIC if "/api/" in entry} == {
            "GET /api/v1/auth/sso/finish",
            "GET /api/v1/auth/sso/oidc/{connection_id}/callback",
            "GET /api/v1/auth/sso/saml/{connection_id}/metadata",
            "GET /api/v1/auth/sso/{connection_id}/start",
            "GET /api/v1/b2b/white-label/{slug}",
            "GET /api/v1/b2b/white-label/{slug}/favicon",
            "GET /api/v1/b2b/white-label/{slug}/logo",
            "GET /api/v1/b2b/white-label/{slug}/theme.css",
            "GET /api/v1/employees/validate-invitation/{token}",
            "GET /api/v1/files/shared",
            "POST /api/v1/auth/confirm-email",
            "POST /api/v1/auth/confirm-registration",
            "POST /api/v1/auth/forgot-password",
            "POST /api/v1/auth/login",
            "POST /api/v1/auth/passkeys/login",
            "POST /api/v1/auth/passkeys/login/options",
            "POST /api/v1/auth/refresh",
            "POST /api/v1/auth/register",
            "POST /api/v1/auth/reset-password",
            "POST /api/v1/auth/sso/discover",
            "POST /api/v1/auth/sso/saml/{connection_id}/acs",
            "POST /api/v1/customer/auth",
            "POST /api/v1/customer/auth/code",
            "POST /api/v1/employees/accept-invitation",
            "POST /api/v1/employees/register",
            "POST /api/v1/employees/validate-invitation",
            "POST /api/v1/mobile/auth",
            "POST /api/v1/mobile/biometric/auth",
            "POST /api/v1/quotes/link",
            "POST /api/v1/quotes/link/accept",
            "POST /api/v1/quotes/link/decline",
            "POST /api/v1/quotes/link/pdf",
            "POST /api/v1/review-links",
            "POST /api/v1/review-links/show",
            "POST /api/v1/ticket-ratings",
            "POST /api/v1/ticket-ratings/show",
            "POST /auth/api/auth/login",
        }


class TestNoRelease:
    def test_before_the_first_publish(self, home, run_app):
        service = run_app(home)
        error = refused(service.caller().get(KPIS), 503, "NO_RELEASE")
        assert "pipeline" in error["message"]
