"""What a tenant may set, and what then holds. It divides what the installation gives it: one key may get up to all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from serve.kernel.errors import Invalid
from serve.kernel.ratelimit import Pair, Rate

COLUMNS = ("caller_per_min", "caller_burst", "tenant_per_min", "tenant_burst")


class LimitsInvalid(Invalid):
    code, message = "LIMITS_INVALID", "A tenant's own limits stay within those of the installation."


def check_limits(own: Mapping[str, Mapping[str, Any]], usual: Mapping[str, Pair]) -> None:
    """Raises LimitsInvalid naming each value that is too much."""
    wrong: list[tuple[str, str]] = []
    for kind, values in own.items():
        if kind not in usual:
            wrong.append((f"limits.{kind}", "is a class that is not limited on this installation"))
            continue
        holds = in_force(values, usual[kind])
        most = {"per_min": usual[kind].tenant.per_min, "burst": usual[kind].tenant.burst}
        allowed = {"per_min": holds.tenant.per_min, "burst": holds.tenant.burst}
        for name in ("per_min", "burst"):
            tenants, callers = values[f"tenant_{name}"], values[f"caller_{name}"]
            if tenants is not None and tenants > most[name]:
                wrong.append((f"limits.{kind}.tenant_{name}", f"must not be above {most[name]:g}"))
            if callers is not None and callers > allowed[name]:
                wrong.append((f"limits.{kind}.caller_{name}", f"must not be above {allowed[name]:g}"))
    if wrong:
        raise LimitsInvalid(details=wrong)


def in_force(own: Mapping[str, Any], usual: Pair) -> Pair:
    """The tenant's own values over the usual ones, never above what the installation gives today.

    >>> in_force({"tenant_per_min": 50, "tenant_burst": None, "caller_per_min": None, "caller_burst": 9},
    ...          Pair(Rate(100, 10), Rate(1000, 100)))
    Pair(caller=Rate(per_min=50, burst=9), tenant=Rate(per_min=50, burst=100))
    """
    tenant = Rate(
        min(own["tenant_per_min"] or usual.tenant.per_min, usual.tenant.per_min),
        min(own["tenant_burst"] or usual.tenant.burst, usual.tenant.burst),
    )
    caller = Rate(
        min(own["caller_per_min"] or usual.caller.per_min, tenant.per_min),
        min(own["caller_burst"] or usual.caller.burst, tenant.burst),
    )
    return Pair(caller, tenant)


def is_own(own: Mapping[str, Any]) -> bool:
    return any(own[name] is not None for name in COLUMNS)
