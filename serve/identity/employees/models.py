"""Who works for a tenant. An employee may have an account, ``user_id``; many never get one."""

from sqlalchemy import Column, Date, ForeignKey, Index, Text, Uuid, func

from serve.kernel.schema import choice, optional, reference, required, resource_table, searched, unique

employees = resource_table(
    "employees",
    optional("employee_number", Text),
    required("full_name", Text),
    optional("email", Text),
    optional("phone", Text),
    optional("job_title", Text),
    reference("department_id", "departments", empty=True),
    reference("manager_id", "employees", empty=True),
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="SET NULL"), nullable=True),
    optional("hired_on", Date),
    optional("left_on", Date),
    choice("status", "invited", "active", "on_leave", "left", default="active"),
    optional("locale", Text),
    optional("timezone", Text),
    unique("employee_number"),
    unique("user_id"),
    searched(),
    entity="employee",
    personal=("full_name", "email", "phone"),
    search=("full_name", "email", "employee_number", "job_title"),
    extracted=False,
)
Index("employees_lower_email_idx", employees.c.tenant_id, func.lower(employees.c.email))
