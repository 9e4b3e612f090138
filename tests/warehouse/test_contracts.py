"""Every contract says of its table exactly what the migrated catalogue says."""

from __future__ import annotations

import re

import psycopg
import pytest

from warehouse.contracts import Column, ContractInvalid, load_contracts, parse_column, parse_contract

CONTRACTS = load_contracts()
TYPES = {
    "integer": "int",
    "double precision": "double",
    "boolean": "bool",
    "timestamp with time zone": "timestamptz",
    "jsonb": "json",
}
# Not for the warehouse: watermarks, which every landed row carries beside the contract's columns.
NOT_LANDED = {"updated_at", "change_xid"}
BRIDGES = {"tombstones", "score_batches", "pipeline_requests"}
# The store demands these of its own rows; a file that a source profile reads may not know them, and nothing is made up.
UNKNOWN_TO_FILES = {
    *("invoices.account_id", "invoice_lines.cost_cents", "subscriptions.started_date"),
    *(
        "vehicles.model_year",
        "vehicles.acquired_date",
        "vehicles.acquisition_cost_cents",
        "vehicles.odometer_km",
    ),
    *("work_orders.labour_cents", "work_orders.parts_cents", "jobs.price_cents", "jobs.cost_cents"),
    *("leads.cost_cents", "leads.created_at", "lead_activities.happened_at"),
    *("campaigns.cost_cents", "campaign_events.happened_at"),
}
TABLES = sorted(CONTRACTS.keys() - {"persons"})  # a view, whose columns have no constraints

READABLE = (
    "select column_name, data_type, is_nullable from information_schema.columns"
    " where table_schema = 'public' and table_name = %s"
    " and has_column_privilege('throughline_extract', quote_ident(table_name), column_name, 'select')"
    " order by ordinal_position"
)
CHECKS = "select pg_get_constraintdef(oid) from pg_constraint where conrelid = %s::regclass and contype = 'c'"


@pytest.fixture(scope="module")
def catalog(pg):
    with psycopg.connect(pg.url("super"), autocommit=True) as connection:
        yield lambda query, *values: connection.execute(query, values or None).fetchall()


def test_every_table_that_the_extraction_may_read_has_a_contract(catalog):
    """Whatever has a tenant and is the warehouse's business; what is not, the extraction has no right to."""
    tables = catalog(
        "select distinct c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid"
        " where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v')"
        " and not c.relispartition and a.attname = 'tenant_id'"
        " and (c.relname = any(%s) or has_any_column_privilege('throughline_extract', c.oid, 'select'))",
        list(BRIDGES),
    )
    assert {name for (name,) in tables} | {"tenants"} == CONTRACTS.keys() | BRIDGES


@pytest.mark.parametrize("name", TABLES)
class TestAgainstTheCatalogue:
    def test_columns_are_those_that_the_extraction_may_read(self, catalog, name):
        """In the table's order, with its types."""
        found = [
            (column, TYPES.get(kind, kind), nullable == "YES" or f"{name}.{column}" in UNKNOWN_TO_FILES)
            for column, kind, nullable in catalog(READABLE, name)
            if column not in NOT_LANDED
        ]
        assert [(c.name, c.type, c.nullable) for c in CONTRACTS[name].columns.values()] == found

    def test_the_extraction_reads_the_watermark_too(self, catalog, name):
        assert "change_xid" in {column for column, *_ in catalog(READABLE, name)}

    def test_the_key_is_unique(self, catalog, name):
        keys = catalog(
            "select array_agg(a.attname::text) from pg_index i"
            " join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)"
            " where i.indrelid = %s::regclass and i.indisunique and i.indpred is null group by i.indexrelid",
            name,
        )
        contract = CONTRACTS[name]
        partitioned_by = {contract.day} if contract.day else set()
        assert {*contract.key} | partitioned_by in [set(columns) for (columns,) in keys]

    def test_choices_are_those_of_the_table(self, catalog, name):
        found = {}
        for (definition,) in catalog(CHECKS, name):
            if match := re.match(r"CHECK \(\((\w+) = ANY \(ARRAY\[(.*)\]\)\)\)", definition):
                found[match[1]] = tuple(re.findall(r"'([^']*)'", match[2]))
        landed = {column for column, *_ in catalog(READABLE, name)}
        shown = {column: values for column, values in found.items() if column in landed}
        assert {c.name: c.one_of for c in CONTRACTS[name].columns.values() if c.one_of} == shown

    def test_deletions_leave_tombstones(self, catalog, name):
        leaving = catalog("select tgrelid::regclass::text from pg_trigger where tgname = 'leave_tombstones'")
        assert CONTRACTS[name].deleted_from == (name,)
        assert name in {table for (table,) in leaving}

    def test_quantities_say_their_unit(self, name):
        unit = re.compile(r"_(km|kmh|mm_s|kpa|pct|cents|h|s|ms|l|bytes|chars)$")
        silent = [c.name for c in CONTRACTS[name].columns.values() if unit.search(c.name) and not c.unit]
        assert silent == []


def test_ranges_are_those_of_the_tables_that_have_one(catalog):
    between = re.compile(r"CHECK \(\(\((\w+) >= \(?'?(-?\d+).*?\) AND \(\w+ <= \(?'?(-?\d+)")
    found = {
        (table, match[1]): (float(match[2]), float(match[3]))
        for table in TABLES
        for (definition,) in catalog(CHECKS, table)
        if (match := between.match(definition)) and match[1] in CONTRACTS[table].columns
    }
    assert len(found) >= 7
    columns = {key: CONTRACTS[key[0]].columns[key[1]] for key in found}
    assert {key: (column.min, column.max) for key, column in columns.items()} == found


class TestPersons:
    def test_columns_are_those_of_the_view(self, catalog):
        found = [
            (column, kind) for column, kind, _ in catalog(READABLE, "persons") if column not in NOT_LANDED
        ]
        assert [(c.name, c.type) for c in CONTRACTS["persons"].columns.values()] == found

    def test_its_deletions_come_from_the_tables_that_it_shows(self, catalog):
        sources = catalog(
            "select distinct d.refobjid::regclass::text from pg_rewrite r join pg_depend d on d.objid = r.oid"
            " where r.ev_class = 'persons'::regclass and d.refclassid = 'pg_class'::regclass"
            " and d.refobjid <> 'persons'::regclass"
        )
        asked = {"privacy_kept"}  # whose name the law keeps though they were erased: nobody's row
        assert {table for (table,) in sources} - asked == {*CONTRACTS["persons"].deleted_from}

    def test_nobody_else_lands_names_mails_or_phones(self):
        personal = {"full_name", "email", "phone", "password_hash"}
        others = [c.name for c in CONTRACTS.values() if c.name != "persons" and personal & c.columns.keys()]
        assert others == []


class TestReading:
    def test_a_question_mark_means_may_be_empty(self):
        assert parse_column("t", "zone_id", "uuid?") == Column("zone_id", "uuid", nullable=True)

    def test_limits_and_choices_are_kept(self):
        given = {"type": "double?", "min": 0, "max": 100, "unit": "%"}
        assert parse_column("t", "fuel", given) == Column("fuel", "double", True, 0, 100, unit="%")
        assert parse_column("t", "kind", {"type": "text", "one_of": ["a", "b"]}).one_of == ("a", "b")

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ("varchar", "no such type 'varchar'"),
            ({"type": "int", "maximum": 3}, "unknown word maximum"),
            ({"min": 0}, "no such type ''"),
        ],
    )
    def test_what_is_not_understood_is_named(self, given, said):
        with pytest.raises(ContractInvalid, match=rf"t\.c: {said}"):
            parse_column("t", "c", given)

    def test_the_key_must_be_a_column(self):
        with pytest.raises(ContractInvalid, match="t: key and day must name columns"):
            parse_contract("t", {"key": ["id"], "columns": {"other": "uuid"}})
