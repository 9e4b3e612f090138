"""The rows of the endpoint list that journeys answer for, by group; a journey must call each row of its group."""

from __future__ import annotations

import csv
import re
from pathlib import Path

LIST = Path(__file__).parents[1] / "surface" / "endpoints.csv"
NOT_SERVED = LIST.with_name("not_served.csv")
GROUPS = {
    "accounts": "auth/(register|forgot-password|reset-password)|users/(profile.*|me)|(mobile|customer)/auth",
    "audit": "audit.*",
    "branding": "b2b/white-label/.*",
    "contacts": "contacts.*|contact-tags.*|export/contacts|crm/customers",
    "files": "files.*",
    "customer_figures": "crm/(sales|analytics)|enterprise/.*",
    "lead_scores": r"leads/\{id\}/(score|analyze|analysis)",
    "lead_conversions": r"leads/\{id\}/convert",
    "imports": "import/leads",
    "segments": "leads/advanced-filter",
    "search": "search",
    "leads": "leads(?!.*(enrich|anal|score|convert|advanced)).*|(crm|import|export)/leads",
    "passkeys": "mobile/biometric/auth",
    "notifications": "notifications.*",
    "settings": "settings.*|account/settings",
    "quotes": "(quotes|estimates).*",
    "payments": r"invoices(/\{id\}(/mark-paid)?)?|(finance/)?payments(/\{id\})?|export/invoices",
    "realtime": "realtime/subscribe|/ws",
    "sso": "b2b/enterprise-sso",
    "sessions": "auth/(login|logout|refresh|me|profile)",
    "actions": "mcp",
    "knowledge_base": "knowledge-base.*",
    "call_logs": "call-logs.*",
    "locations": "locations.*",
    "maps": "map/.*",
    "reviews": "review-requests.*",
    "api_keys": "auth/api-keys.*",
    "schedules": "schedules.*",
    "security": "b2b/(multi-tenant/data-isolation|advanced-security)",
    "staff": r"admin/users.*|employees.*|users(/\{id\})?",
    "tenants": "tenants.*",
    "tickets": "((crm|communication)/)?tickets.*",
    "flags": "feature-flags.*|experimental/features|api/(versioning/management|rate-limiting/advanced)",
}
"""What stands behind the common beginning of a path, as a pattern."""

BEGINNING = re.compile(r"^(/auth)?/api(/v1)?/")


def calls_of(group: str) -> set[str]:
    """``METHOD /path`` of each row of the group that is served, as its product writes it."""
    with LIST.open(newline="") as lines, NOT_SERVED.open(newline="") as missing:
        wanted = {
            f"{row['method']} {row['path']}"
            for row in csv.DictReader(lines)
            if re.fullmatch(GROUPS[group], BEGINNING.sub("", row["path"]))
        }
        return wanted - {f"{row['method']} {row['path']}" for row in csv.DictReader(missing)}
