"""The unit tests that stand beside the models. Production builds leave them out; here they run."""

from __future__ import annotations

from tests.transforms.line import Line, project


def test_the_unit_tests_of_the_models_pass(line: Line) -> None:
    line.build()  # empty, so that the columns of inputs have their types
    done = line.dbt("test", "--select", "test_type:unit")
    assert len(done.results) == len(project().unit_tests) > 20


def test_every_table_can_be_built_from_nothing(line: Line) -> None:
    line.build()
    for schema in ("features", "marts"):
        for table in line.tables(schema):
            assert line.read(f"select count(*) from {schema}.{table}").item() == 0, table
