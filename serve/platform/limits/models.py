"""Limits that a tenant has set for itself, by class of request."""

from sqlalchemy import CheckConstraint, Column, Double, Index, Integer

from serve.kernel.schema import choice, own_table, unique


def _above_zero(name: str, kind: type) -> Column[float]:
    return Column(name, kind, CheckConstraint(f"{name} > 0", name=name), nullable=True)


tenant_limits = own_table(
    "tenant_limits",
    choice("kind", "read", "write", "export", "auth"),
    _above_zero("caller_per_min", Double),
    _above_zero("caller_burst", Integer),
    _above_zero("tenant_per_min", Double),
    _above_zero("tenant_burst", Integer),
    unique("kind"),
    Index(None, "change_xid"),
)
tenant_limits.info |= {"entity": "tenant_limit", "personal": (), "unrecorded": ()}
