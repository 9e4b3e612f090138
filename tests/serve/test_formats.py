"""JSON, CSV and Arrow say the same; ETags name answers exactly."""

from __future__ import annotations

import csv
import io
import json

import pyarrow as pa
import pytest

from serve.kernel.errors import NotAcceptable
from serve.kernel.etag import matches
from serve.kernel.formats import negotiate, to_csv
from tests.serve.small_release import B, publish_small

CHURN = "/api/v1/business-intelligence/churn-risk"
ARROW = "application/vnd.apache.arrow.stream"
TABLES = {
    "/api/v1/dashboard/kpis": None,
    "/api/v1/dashboard/metrics": None,
    "/api/v1/analytics?range=7d": None,
    "/api/v1/business-intelligence/operational-pulse": "measures",
    CHURN: "",
    "/api/v1/business-intelligence/revenue-cost-margin?range=7d": "series",
    "/api/v1/business-intelligence/revenue-forecast": "days",
    "/api/v1/business-intelligence/compliance-status": "documents",
    "/api/v1/business-intelligence/top-enterprise-clients": "",
    "/api/v1/analytics/roi/calculation": "rows",
    "/api/v1/fleet-operational-costs": "vehicles",
    "/api/v1/fuel-cost-metrics": "vehicles",
    "/api/v1/downtime-metrics": "vehicles",
    "/api/v1/assets/maintenance-costs": "",
    "/api/v1/assets/operational-costs": "",
    "/api/v1/fleet/maintenance/forecast": "",
}


def arrow_rows(content: bytes) -> list[dict]:
    return pa.ipc.open_stream(content).read_all().to_pylist()


class TestSameAnswer:
    @pytest.mark.parametrize("path", TABLES)
    def test_csv_and_arrow_hold_the_rows_of_json(self, owner, path):
        data = owner.get(path).json()["data"]
        table = arrow_rows(owner.get(path, headers={"Accept": ARROW}).content)
        read = list(csv.DictReader(io.StringIO(owner.get(path, headers={"Accept": "text/csv"}).text)))
        assert len(table) == len(read) > 0
        assert list(table[0]) == list(read[0])
        rows = {None: flat, "": lambda data: data}.get(TABLES[path], lambda data: data[TABLES[path]])(data)
        assert len(rows) == len(table)
        for row, from_arrow, from_csv in zip(rows, table, read, strict=True):
            for name, value in from_arrow.items():
                assert plain(value) == plain(row[name]), name
                assert from_csv[name].removeprefix("'") == as_text(row[name]), name

    def test_meta_travels_in_headers(self, owner):
        response = owner.get(CHURN, headers={"Accept": "text/csv"})
        meta = owner.get(CHURN).json()["meta"]
        assert response.headers["x-release-id"] == meta["release_id"]
        assert response.headers["x-total-count"] == "3"
        assert "business-intelligence-churn-risk-2026-01-31.csv" in response.headers["content-disposition"]


def flat(data):
    """The rows behind the nested answers of the dashboard."""
    if isinstance(data, list):
        return data
    if "series" in data:
        return [
            {"name": one["name"], "unit": one["unit"], **point}
            for one in data["series"]
            for point in one["points"]
        ]
    return [
        {"section": section, "name": name, **figure}
        for section, figures in data.items()
        for name, figure in figures.items()
    ]


def plain(value):
    if hasattr(value, "isoformat"):
        return value.isoformat().replace("+00:00", "Z")
    return json.dumps(value, separators=(",", ":")) if isinstance(value, list) else value


def as_text(value) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return json.dumps(value, separators=(",", ":"))
    return str(value)


class TestCsv:
    def test_formulas_are_disarmed_and_numbers_stay(self, owner):
        lines = owner.get(CHURN, headers={"Accept": "text/csv"}).text.splitlines()
        assert ",'=cmd()," in lines[2]
        assert '"Omega, Ltd"' in lines[1]
        assert ",-1," in lines[3]

    @pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
    def test_each_dangerous_start(self, start):
        text = to_csv(["a"], [{"a": f"{start}1"}]).decode()
        (_, (cell,)) = csv.reader(io.StringIO(text, newline=""))
        assert cell == f"'{start}1"


class TestNegotiation:
    @pytest.mark.parametrize(
        ("accept", "expected"),
        [
            (None, "json"),
            ("*/*", "json"),
            ("text/html,application/xhtml+xml,*/*;q=0.8", "json"),
            ("text/csv", "csv"),
            ("application/json;q=0.5, text/csv", "csv"),
            ("text/csv;q=0.1, application/vnd.apache.arrow.stream;q=0.2", "arrow"),
        ],
    )
    def test_the_best_one_wins(self, accept, expected):
        assert negotiate(accept) == expected

    @pytest.mark.parametrize("accept", ["image/png", "text/csv;q=0", "application/xml"])
    def test_none_fits(self, accept):
        with pytest.raises(NotAcceptable):
            negotiate(accept)


class TestEtag:
    def test_the_same_question_is_answered_with_304(self, owner):
        first = owner.get(CHURN)
        again = owner.get(f"{CHURN}?sort=-churn_score", headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
        assert first.headers["cache-control"] == "private, no-cache"
        assert "Accept" in first.headers["vary"]

    def test_304_asks_nothing_of_the_release(self, service, monkeypatch):
        owner = service.caller()
        etag = owner.get(CHURN).headers["etag"]
        monkeypatch.setattr("warehouse.releases.Session.fetch", lambda *_, **__: 1 / 0)
        assert owner.get(CHURN, headers={"If-None-Match": etag}).status_code == 304

    def test_tenant_format_and_parameters_name_other_answers(self, owner, as_caller):
        tags = {
            owner.get(CHURN).headers["etag"],
            as_caller(B).get(CHURN).headers["etag"],
            owner.get(CHURN, headers={"Accept": "text/csv"}).headers["etag"],
            owner.get(f"{CHURN}?page=2").headers["etag"],
            owner.get("/api/v1/fleet/maintenance/forecast").headers["etag"],
        }
        assert len(tags) == 5

    def test_a_publish_changes_the_answer_and_its_name(self, service, releases, tmp_path):
        owner = service.caller()
        path = "/api/v1/dashboard/kpis?range=7d"
        before = owner.get(path)
        info = publish_small(releases, tmp_path, version=2)
        service.app.state.answers.reader._next_check = 0.0  # not to wait for the next look at the pointer
        after = owner.get(path, headers={"If-None-Match": before.headers["etag"]})
        assert after.status_code == 200
        assert after.json()["meta"]["release_id"] == info.id != before.json()["meta"]["release_id"]
        assert before.json()["data"][0]["value"] == 70_000
        assert after.json()["data"][0]["value"] == 60_099

    @pytest.mark.parametrize(
        ("header", "expected"),
        [('"a"', True), ('W/"a"', True), ('"b", "a"', True), ("*", False), ('"b"', False), (None, False)],
    )
    def test_if_none_match(self, header, expected):
        assert matches(header, '"a"') is expected
