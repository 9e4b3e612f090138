"""Tenants, their providers and look, privacy and security: what does not follow from the document."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson

from serve.identity.security.threats import EVIDENCE
from tests.serve.identity.sso.saml_provider import key_pair
from tests.serve.working import work
from tests.surface.needs.common import NUMBERS, number, row_of
from tests.surface.operations import BY_NAME, Call

if TYPE_CHECKING:
    from tests.surface.calls import Surface


SAML_CERTIFICATE = key_pair("idp.example.com")[1]


def _contact(surface: Surface, tenant: UUID | None) -> str:
    return str(surface.make(BY_NAME["POST /api/v1/contacts"], tenant)["id"])


def _connection(surface: Surface, tenant: UUID | None) -> dict[str, str]:
    """To an identity provider."""
    return {"id": surface.make(BY_NAME["POST /api/v1/b2b/enterprise-sso"], tenant)["id"]}


def _proven_domain(surface: Surface, tenant: UUID | None) -> dict[str, str]:
    """Of mail; what its DNS says is asked in tests/serve/identity/sso."""
    row_id = surface.make(BY_NAME["POST /api/v1/b2b/enterprise-sso/domains"], tenant)["id"]
    surface.firm.sql("update sso_domains set verified_at = now() where id = %s", row_id)
    return {"id": row_id}


def _saml_connection(surface: Surface, tenant: UUID | None) -> dict[str, str]:
    """To a provider that nobody has to be asked about."""
    configuration = {"entity_id": "https://idp.example.com", "sso_url": "https://idp.example.com/sso"}
    configuration |= {"certificates": [SAML_CERTIFICATE]}
    body = {"sso_provider": "saml", "name": f"SAML {next(NUMBERS)}", "configuration": configuration}
    made = surface.send(Call(BY_NAME["POST /api/v1/b2b/enterprise-sso"], json=body), tenant=tenant)
    assert made.status_code == 201, made.text
    return {"connection_id": made.json()["data"]["id"]}


def child(**values: Any) -> Callable[[Surface, UUID | None], dict[str, str]]:
    """Of the tenant at work, put there by hand: over the API a child has none."""

    def make(surface: Surface, tenant: UUID | None) -> dict[str, str]:
        child = {"slug": f"surface-child-{next(NUMBERS)}", "parent_id": tenant or surface.firm.a} | values
        ((row_id,),) = surface.firm.sql(
            f"insert into tenants (name, kind, country, currency, {', '.join(child)})"
            f" values ('Child', 'fleet', 'DE', 'EUR', {', '.join(['%s'] * len(child))}) returning id",
            *child.values(),
        )
        return {"id": str(row_id)}

    return make


def _isolation_check(surface: Surface, tenant: UUID | None) -> dict[str, str]:
    surface.send(surface.ready(BY_NAME[f"POST {ISOLATION}/check"]), tenant=tenant)
    running = surface.firm.running
    running.wait_for(work(running.app.state, kind="security.check_isolation"))
    newest = "select id from isolation_checks where tenant_id = %s order by created_at desc limit 1"
    return {"id": str(surface.firm.sql(newest, tenant or surface.firm.a)[0][0])}


def _threat(surface: Surface, tenant: UUID | None) -> dict[str, str]:
    ((row_id,),) = surface.firm.sql(
        "with acting as materialized (select set_config('app.actor', 'platform', true))"
        " insert into threats (tenant_id, kind, severity, key, first_at, last_at, evidence)"
        " select %s, 'credential_stuffing', 'high', %s, now(), now(), %s::jsonb from acting returning id",
        *(
            tenant or surface.firm.a,
            f"surface-{next(NUMBERS)}",
            orjson.dumps(dict.fromkeys(EVIDENCE)).decode(),
        ),
    )
    return {"id": str(row_id)}


ISOLATION = "/api/v1/b2b/multi-tenant/data-isolation"


def _look(surface: Surface, tenant: UUID | None) -> dict[str, str]:
    """A version of the tenant's look, which is published; its pictures are the tenant's."""
    made = surface.make(BY_NAME["POST /api/v1/files/upload-logo"], tenant)["id"]
    customize = BY_NAME["POST /api/v1/b2b/white-label/customization"]
    body = {"branding": {"logo_id": made, "favicon_id": made}}
    answer = surface.send(Call(customize, json=body), tenant=tenant)
    assert answer.status_code == 200, answer.text
    said = answer.json()
    return {"number": str(said["data"]["version"]), "slug": said["meta"]["slug"]}


def _export_of_me(surface: Surface, tenant: UUID | None) -> dict[str, str]:
    begun = surface.make(BY_NAME["POST /api/v1/privacy/me/export"], tenant)
    running = surface.firm.running
    running.wait_for(work(running.app.state, kind="privacy.export"))
    return {"id": begun["task_id"]}


def _verified_request(surface: Surface, tenant: UUID | None) -> dict[str, str]:
    verify = surface.ready(BY_NAME["POST /api/v1/privacy/requests/{id}/verify"], tenant)
    assert surface.send(verify, tenant=tenant).status_code == 200
    return verify.ids


def _whole_export(surface: Surface, tenant: UUID | None) -> dict[str, str]:
    """A tenant that has one."""
    ids = {"id": str(tenant or surface.firm.a)}
    asked = Call(BY_NAME["POST /api/v1/tenants/{id}/export"], ids)
    assert surface.send(asked, tenant=tenant).status_code == 202
    running = surface.firm.running
    running.wait_for(work(running.app.state, kind="tenants.export"))
    return ids


def _umbrella_request(surface: Surface, tenant: UUID | None) -> dict[str, str]:
    """One that the tenant has sent."""
    own = tenant or surface.firm.a
    return {"id": str(own), "request_id": umbrella_asked(surface, own, f"surface-nobody-{next(NUMBERS)}")}


def _received_umbrella_request(surface: Surface, tenant: UUID | None) -> dict[str, str]:
    own, umbrella = tenant or surface.firm.a, child(parent_id=None)(surface, None)["id"]
    [(slug,)] = surface.firm.sql("select slug from tenants where id = %s", own)
    return {"id": str(own), "request_id": umbrella_asked(surface, umbrella, slug)}


def umbrella_asked(surface: Surface, umbrella: object, slug: str) -> str:
    [(row_id,)] = surface.firm.sql(
        "with acting as materialized (select set_config('app.actor', 'platform', true))"
        " insert into umbrella_requests (tenant_id, child_slug, expires_at)"
        " select %s, %s, now() + interval '1 day' from acting returning id",
        *(umbrella, slug),
    )
    return str(row_id)


FORMS = {
    "POST /api/v1/auth/sso/saml/{connection_id}/acs": {"SAMLResponse": b"PGEvPg=="},
}

NOT_FOR_CHILDREN = {
    "POST /api/v1/tenants",
}

BODIES: dict[str, dict[str, Any]] = {
    "/api/v1/b2b/enterprise-sso": {"name": number("House {}")},
    "PATCH /api/v1/b2b/enterprise-sso/connections/{id}": {"name": number("House {}")},
    "/api/v1/b2b/enterprise-sso/domains": {
        "domain": number("house{}.example.org"),
        "connection_id": row_of("/api/v1/b2b/enterprise-sso"),
    },
    "PATCH /api/v1/b2b/enterprise-sso/domains/{id}": {
        "connection_id": row_of("/api/v1/b2b/enterprise-sso"),
        "is_enforced": False,
    },
    "POST /api/v1/tenants": {"name": number("Surface {}")},
    "PATCH /api/v1/tenants/{id}": {"slug": number("surface-renamed-{}")},
    "/api/v1/privacy/purposes": {"key": number("purpose-{}")},
    "POST /api/v1/privacy/purposes/{id}/texts": {"language": "en"},
    "POST /api/v1/privacy/consents": {
        "subject_id": row_of("/api/v1/contacts"),
        "purpose_id": row_of("/api/v1/privacy/purposes"),
    },
    "POST /api/v1/privacy/me/consents": {"purpose_id": row_of("/api/v1/privacy/purposes")},
    "POST /api/v1/privacy/holds": {"subject_id": row_of("/api/v1/contacts")},
    "POST /api/v1/security/attestations": {
        "valid_until": lambda surface: str(date.today() + timedelta(days=30))
    },
}

MAKE_NOTHING = {
    "POST /api/v1/tenants",
}

PARAMETERS: dict[str, dict[str, Any]] = {
    "GET /api/v1/privacy/consents/current": {"subject_kind": "contact", "subject_id": _contact},
    "GET /api/v1/security/why": {
        # An owner stays whatever else has been asked before.
        "user_id": lambda surface, tenant: str(surface.firm.people[tenant or surface.firm.a, "owner"]),
        "method": "POST",
        "path": "/api/v1/contacts",
        "request_id": None,  # the other way to ask, which shuts these out
    },
}

MAKERS: dict[str, Callable[[Surface, UUID | None], dict[str, str]]] = {
    "/api/v1/b2b/white-label/customization/versions/{": _look,
    "/api/v1/b2b/white-label/{slug}": _look,
    "/api/v1/privacy/exports/": _export_of_me,
    "/api/v1/privacy/requests/{id}/approve": _verified_request,
    "/api/v1/tenants/{id}/export": _whole_export,
    "/api/v1/tenants/{id}/suspend": child(),
    "/api/v1/tenants/{id}/resume": child(suspended_at=datetime.now(UTC), suspended_because="A try."),
    "/api/v1/tenants/{id}/umbrella-requests/{request_id}/withdraw": _umbrella_request,
    "/api/v1/tenants/{id}/umbrella-requests/{": _received_umbrella_request,
    "/api/v1/tenants/{id}/leave-umbrella": child(),
    "/api/v1/tenants/{id}/invite-owner": child(awaiting_owner_since=datetime.now(UTC)),
    "/api/v1/tenants/": lambda surface, tenant: {"id": str(tenant or surface.firm.a)},
    "/api/v1/b2b/enterprise-sso/connections/": _connection,
    "/api/v1/b2b/enterprise-sso/domains/{id}/verify": _proven_domain,
    "/api/v1/auth/sso/": _saml_connection,
    f"{ISOLATION}/checks/{{id}}": _isolation_check,
    "/api/v1/security/threats/": _threat,
}

LISTED: dict[str, Callable[[Surface, UUID | None], Any]] = {
    "DELETE /api/v1/b2b/white-label/customization": _look,
    "GET /api/v1/b2b/white-label/customization/versions": _look,
    f"GET {ISOLATION}/checks": _isolation_check,
    "GET /api/v1/security/threats": _threat,
}
