"""What is looked through, and how a row of it is called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from serve.crm.accounts.endpoints import accounts
from serve.crm.articles.service import shown as articles
from serve.crm.calls.service import calls
from serve.crm.contacts.endpoints import contacts
from serve.crm.leads.store import leads
from serve.crm.places.service import locations
from serve.crm.quotes.service import estimates, quotes
from serve.crm.tickets.service import tickets
from serve.finance.invoices.service import invoices
from serve.fleet.vehicles.endpoints import vehicles
from serve.identity.employees.service import employees
from serve.kernel.resources import Resource
from serve.platform.files.service import files


@dataclass(frozen=True, slots=True)
class Target:
    """``title`` and ``subtitle`` are columns; the first of a title that is there, all of a subtitle that are."""

    resource: Resource
    title: tuple[str, ...]
    subtitle: tuple[str, ...] = ()
    path: str = ""

    def title_of(self, row: Mapping[str, Any]) -> str:
        return next((str(row[name]) for name in self.title if row[name] not in (None, "")), str(row["id"]))

    def subtitle_of(self, row: Mapping[str, Any]) -> str | None:
        said = [str(row[name]) for name in self.subtitle if row[name] not in (None, "")]
        return ", ".join(said)[:200] or None

    def texts_of(self, row: Mapping[str, Any]) -> list[str]:
        """What the row is found by."""
        return [str(row[name]) for name in self.resource.table.info["search"] if row.get(name)]

    def href_of(self, row: Mapping[str, Any]) -> str:
        return f"{self.path or self.resource.path}/{row['id']}"


TARGETS: dict[str, Target] = {
    target.resource.entity: target
    for target in (
        Target(contacts, ("full_name",), ("job_title", "email", "phone")),
        Target(leads, ("full_name",), ("company", "city", "status")),
        Target(accounts, ("name",), ("city",)),
        Target(tickets, ("subject",), ("number", "status")),
        Target(quotes, ("number",), ("title", "recipient_name", "status")),
        Target(estimates, ("number",), ("title", "recipient_name", "status")),
        Target(invoices, ("number",), ("status", "issued_at")),
        Target(calls, ("notes", "from_number"), ("outcome", "started_at")),
        Target(articles, ("title",), ("summary",), "/api/v1/knowledge-base"),
        Target(locations, ("name",), ("street", "city")),
        Target(vehicles, ("registration",), ("make", "model")),
        Target(employees, ("full_name",), ("job_title", "email")),
        Target(files, ("name",)),
    )
}
"""By the kind of a hit."""
