"""Departments of a tenant, one below another."""

from sqlalchemy import ForeignKeyConstraint, Text, Uuid

from serve.kernel.schema import lookup, optional, reference, required, resource_table, unique

departments = resource_table(
    "departments",
    required("name", Text),
    reference("parent_id", "departments", empty=True),
    optional("head_id", Uuid),
    optional("cost_center", Text),
    optional("description", Text),
    unique("name"),
    lookup("head_id"),
    # Employees refer to departments too: this one comes when both tables are there.
    ForeignKeyConstraint(["tenant_id", "head_id"], ["employees.tenant_id", "employees.id"], use_alter=True),
    entity="department",
    search=("name", "cost_center", "description"),
    extracted=False,
)
