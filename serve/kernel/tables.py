"""Every table of the operational store in one metadata."""

from importlib import import_module

from sqlalchemy import MetaData

from serve.kernel.schema import metadata

MODELS = (
    "serve.identity.tenants",
    "serve.identity.umbrellas",
    "serve.identity.users",
    "serve.identity.memberships",
    "serve.identity.sessions",
    "serve.identity.api_keys",
    "serve.identity.security",
    "serve.identity.account_mails",
    "serve.identity.account_tokens",
    "serve.identity.elevations",
    "serve.identity.impersonations",
    "serve.identity.roles",
    "serve.identity.sign_ins",
    "serve.identity.seats",
    "serve.identity.departments",
    "serve.identity.employees",
    "serve.identity.factors",
    "serve.identity.passkeys",
    "serve.identity.branding",
    "serve.identity.consents",
    "serve.identity.privacy",
    "serve.identity.retention",
    "serve.identity.sso",
    "serve.identity.invitations",
    "serve.field.zones",
    "serve.field.providers",
    "serve.field.jobs",
    "serve.crm.accounts",
    "serve.crm.contacts",
    "serve.crm.leads",
    "serve.crm.assignment",
    "serve.crm.scoring",
    "serve.crm.people",
    "serve.crm.sla",
    "serve.crm.notes",
    "serve.crm.tags",
    "serve.crm.tickets",
    "serve.crm.quotes",
    "serve.crm.articles",
    "serve.crm.segments",
    "serve.crm.calls",
    "serve.crm.places",
    "serve.crm.reviews",
    "serve.fleet.vehicles",
    "serve.fleet.telemetry",
    "serve.fleet.trips",
    "serve.fleet.work_orders",
    "serve.fleet.fuel",
    "serve.fleet.compliance",
    "serve.finance.invoices",
    "serve.finance.payments",
    "serve.finance.subscriptions",
    "serve.finance.expenses",
    "serve.finance.budgets",
    "serve.outreach.campaigns",
    "serve.outreach.messages",
    "serve.platform.api_requests",
    "serve.platform.experiments",
    "serve.platform.files",
    "serve.platform.flags",
    "serve.platform.limits",
    "serve.platform.mails",
    "serve.platform.notifications",
    "serve.platform.numbers",
    "serve.platform.settings",
    "serve.platform.versions",
    "serve.platform.schedules",
    "serve.kernel",
    "serve.kernel.tasks",
)


def all_tables() -> MetaData:
    """The metadata with every domain's tables declared in it."""
    for domain in MODELS:
        import_module(f"{domain}.models")
    return metadata
