"""No row is left out: each group has its journey, and each row of the issue its group."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from tests.journeys.rows import GROUPS, LIST, calls_of

HERE = Path(__file__).parent


def test_each_group_has_one_journey():
    found = [
        group
        for path in sorted(HERE.glob("test_*.py"))
        for group in re.findall(r'^GROUP = "(\w+)"$', path.read_text(), flags=re.MULTILINE)
    ]
    assert sorted(found) == sorted(GROUPS)


def test_each_row_of_these_areas_is_in_a_group():
    """Written out a second time and by other means, so that a pattern that is too narrow is noticed."""
    words = (
        "audit",
        "feature-flags",
        "files",
        "knowledge-base",
        "mcp",
        "notifications",
        "schedules",
        "settings",
        "tenants",
        "tickets",
    )
    elsewhere = (
        "/white-label/customization",
        "/mobile/biometric/auth",
        "/mobile/auth",
        "/customer/auth",
        "/users/me",
        "/users/profile",
        "/users/profile/avatar",
        "/experimental/features",
        "/versioning/management",
        "/rate-limiting/advanced",
        "/multi-tenant/data-isolation",
        "/advanced-security",
        "/enterprise-sso",
        "/crm/tickets",
        "/communication/tickets",
    )
    staff = ("/api/users", "/api/users/{id}", "/api/v1/admin/users", "/api/v1/admin/users/{id}")
    with LIST.open(newline="") as lines:
        wanted = {
            f"{row['method']} {row['path']}"
            for row in csv.DictReader(lines)
            if row["path"].removeprefix("/api").removeprefix("/v1").strip("/").split("/")[0]
            in (*words, "auth", "realtime", "ws")
            or row["path"].endswith(("/account/settings", *elsewhere))
            or row["path"] in staff
            or "/quotes" in row["path"]
            or "/estimates" in row["path"]
            or "/employees" in row["path"]
        }
    assert wanted == set().union(*map(calls_of, GROUPS))
    assert len(wanted) > 45
