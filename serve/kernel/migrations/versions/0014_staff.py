"""Departments, employees and invitations."""

from pathlib import Path

from serve.kernel.migrations.guards import create_resource, run

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

SQL = Path(__file__).with_suffix("")
FUNCTIONS = (
    *("refuse_circle", "refuse_deleted_reference", "record_membership", "staff_people", "staff_admit", "staff_hold"),
    *("staff_is_last_owner", "staff_change_member", "staff_remove_member", "staff_change_person"),
)
DEPARTMENTS = """
    name text not null, parent_id uuid, head_id uuid, cost_center text, description text, unique (tenant_id, name)
"""
EMPLOYEES = """
    employee_number text, full_name text not null, email text, phone text, job_title text, department_id uuid,
    manager_id uuid, user_id uuid references users on delete set null, hired_on date, left_on date,
    status text not null default 'active' check (status in ('invited', 'active', 'on_leave', 'left')),
    locale text, timezone text, unique (tenant_id, employee_number), unique (tenant_id, user_id)
"""
INVITATIONS = """
    email text not null, full_name text, role text not null, message text, job_title text, department_id uuid,
    manager_id uuid, employee_id uuid, invited_by uuid references users on delete set null,
    accepted_by uuid references users on delete set null, sent_count integer not null default 1,
    sent_at timestamptz not null default now(), expires_at timestamptz not null, accepted_at timestamptz,
    revoked_at timestamptz
"""


def upgrade() -> None:
    create_resource(
        "departments",
        DEPARTMENTS,
        entity="department",
        references={"parent_id": "departments"},
        search=("name", "cost_center", "description"),
        extracted=False,
    )
    create_resource(
        "employees",
        EMPLOYEES,
        entity="employee",
        references={"department_id": "departments", "manager_id": "employees"},
        personal=("full_name", "email", "phone"),
        search=("full_name", "email", "employee_number", "job_title"),
        extracted=False,
    )
    create_resource(
        "invitations",
        INVITATIONS,
        entity="invitation",
        references={"department_id": "departments", "manager_id": "employees", "employee_id": "employees"},
        personal=("email", "full_name", "message"),
        search=("email", "full_name"),
        extracted=False,
    )
    run("alter table departments add foreign key (tenant_id, head_id) references employees (tenant_id, id)")
    run("create index on departments (tenant_id, head_id)")
    run("create index employees_lower_email_idx on employees (tenant_id, lower(email))")
    for part in sorted(SQL.glob("*.sql")):
        run(part.read_text())


def downgrade() -> None:
    for trigger in ("record_membership", "record_changed_membership"):
        run(f"drop trigger {trigger} on memberships")
    functions = ", ".join(FUNCTIONS)
    run("drop table invitations, employees, departments cascade")
    run(f"drop function {functions}")
