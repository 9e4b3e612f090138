"""Which models an increment builds; that it gives what a full build gives is in test_incremental."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from pipelines.transform.needed import identity, needed
from tests.transforms.line import Line, project
from warehouse.contracts import load_contracts


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    return project().writable_manifest().to_dict()


def named(manifest: dict[str, Any], ids: frozenset[str]) -> set[str]:
    return {manifest["nodes"][key]["name"] for key in ids}


def test_news_of_a_table_reach_its_descendants_and_their_tests(manifest: dict[str, Any]) -> None:
    todo = needed(manifest, {"compliance_documents"})
    assert {"stg_compliance_documents", "compliance_status"} <= set(todo.names)
    assert "one_row_per_stg_compliance_documents_document_id" in todo.names
    assert {"stg_telemetry", "stg_jobs"} <= named(manifest, todo.kept)
    assert not set(todo.names) & named(manifest, todo.kept)


def test_a_view_is_kept_and_its_tests_run(manifest: dict[str, Any]) -> None:
    todo = needed(manifest, {"jobs"})
    assert "fct_jobs" in named(manifest, todo.kept)
    views_tests = [
        node["name"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test" and node["depends_on"]["nodes"] == ["model.throughline.fct_jobs"]
    ]
    assert views_tests
    assert set(views_tests) <= set(todo.names)


def test_nothing_new_needs_nothing(manifest: dict[str, Any]) -> None:
    todo = needed(manifest, set())
    assert todo.names == ()
    assert "kpi_daily" in named(manifest, todo.kept)
    assert "one_row_per_kpi_daily_tenant_id__date" in named(manifest, todo.kept_tests)


@pytest.mark.parametrize("changed", [{"zones"}, set(load_contracts())])
def test_dbt_takes_exactly_what_is_needed(line: Line, manifest: dict[str, Any], changed: set[str]) -> None:
    todo = needed(manifest, changed)
    listed = line.dbt(
        "list", *todo.selection, "--exclude-resource-type", "unit_test", "--resource-types", "model", "test"
    )
    assert sorted(name.rpartition(".")[2] for name in listed) == list(todo.names)


def test_what_rests_on_predictions_belongs_to_the_other_half(manifest: dict[str, Any]) -> None:
    todo = needed(manifest, {"accounts", "telemetry", "leads", "invoices"})
    assert "churn_risk" not in {*todo.names, *named(manifest, todo.kept)}


def test_another_macro_or_model_is_another_identity_and_another_description_is_not(
    manifest: dict[str, Any],
) -> None:
    known = identity(manifest)
    for part, key, field, changes in (
        ("macros", "macro.throughline.month_of", "macro_sql", True),
        ("nodes", "model.throughline.kpi_daily", "raw_code", True),
        ("nodes", "model.throughline.kpi_daily", "description", False),
    ):
        other = copy.deepcopy(manifest)
        other[part][key][field] += " "
        assert (identity(other) != known) == changes, field
