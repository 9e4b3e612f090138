"""Every model says what a row is, who answers for it and what each column means; every key is tested."""

from __future__ import annotations

from collections import defaultdict

import pytest

from tests.transforms.line import Line, project
from warehouse.contracts import load_contracts

LAYERS = ("staging", "intermediate", "features", "marts")
KEYLESS = {"int_account_events", "int_roi_entries", "int_stock_changes"}
"""Steps in long form: several rows may be alike, and the models after them add them up."""


def models() -> dict[str, object]:
    """Models of the layers by name."""
    return {
        node.name: node
        for node in project().nodes.values()
        if node.resource_type == "model" and ".".join(node.fqn[1:]).startswith(LAYERS)
    }


@pytest.fixture(scope="module")
def columns(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """What each built model really has."""
    line = Line(tmp_path_factory.mktemp("line"))
    line.build(*LAYERS)
    found: dict[str, set[str]] = defaultdict(set)
    for schema, name, column in line.read(
        "select table_schema, table_name, column_name from information_schema.columns"
    ).rows():
        found[f"{schema}.{name}"].add(column)
    return found


def test_every_model_names_its_row_and_owner() -> None:
    for name, model in models().items():
        assert model.description.startswith("One row per "), name
        assert model.config.meta.get("owner"), name


def test_the_columns_described_are_the_columns_built(columns: dict[str, set[str]]) -> None:
    for name, model in models().items():
        assert set(model.columns) == columns[f"{model.schema}.{name}"], name
        undescribed = [column.name for column in model.columns.values() if not column.description.strip()]
        assert not undescribed, name


def test_every_model_has_a_tested_key() -> None:
    keyed = {
        node.attached_node
        for node in project().nodes.values()
        if getattr(node, "test_metadata", None) and node.test_metadata.name == "one_row_per"
    }
    assert {name for name, model in models().items() if model.unique_id not in keyed} == KEYLESS


def test_every_contract_has_its_source_and_staging_model() -> None:
    contracts = set(load_contracts())
    assert {
        source.name for source in project().sources.values() if source.source_name == "landing"
    } == contracts
    assert {name.removeprefix("stg_") for name in models() if name.startswith("stg_")} == contracts
