"""People, tenants, sign-in and privacy: the routes of the area, and which of them are open to everybody."""

from __future__ import annotations

from fastapi.routing import APIRouter

from serve.identity.accounts.endpoints import router as accounts
from serve.identity.api_keys.endpoints import router as api_keys
from serve.identity.auth.endpoints import router as auth
from serve.identity.branding.endpoints import looking as brand_previews
from serve.identity.branding.endpoints import router as branding
from serve.identity.branding.public import router as public_looks
from serve.identity.consents.endpoints import consents
from serve.identity.consents.endpoints import router as consent_purposes
from serve.identity.departments.endpoints import router as departments
from serve.identity.elevations.endpoints import router as elevations
from serve.identity.employees.endpoints import router as employees
from serve.identity.factors.admin import router as factors_reset
from serve.identity.factors.endpoints import router as factors
from serve.identity.factors.step_up import router as step_up
from serve.identity.impersonations.endpoints import router as impersonations
from serve.identity.invitations.endpoints import public as accepting
from serve.identity.invitations.endpoints import router as invitations
from serve.identity.passkeys.endpoints import router as passkeys
from serve.identity.passkeys.sign_in import router as passkey_sign_in
from serve.identity.privacy.endpoints import hold_router as privacy_holds
from serve.identity.privacy.endpoints import own as privacy
from serve.identity.privacy.endpoints import router as privacy_requests
from serve.identity.retention.endpoints import router as retention_rules
from serve.identity.roles.endpoints import router as roles
from serve.identity.security.endpoints import attestation_router as control_attestations
from serve.identity.security.endpoints import check_router as isolation_checks
from serve.identity.security.endpoints import page_router as security_page
from serve.identity.security.endpoints import router as data_isolation
from serve.identity.security.endpoints import threat_router as threats
from serve.identity.sessions.endpoints import router as sessions
from serve.identity.sso.browser import back as sso_back
from serve.identity.sso.browser import router as sso_sign_in
from serve.identity.sso.browser import steps as sso_steps
from serve.identity.sso.endpoints import asking as sso_asking
from serve.identity.sso.endpoints import router as sso
from serve.identity.tenants.endpoints import router as tenants
from serve.identity.umbrellas.endpoints import router as umbrellas
from serve.identity.users.endpoints import router as users

ROUTERS: tuple[APIRouter, ...] = (
    auth,
    accounts,
    api_keys,
    factors,
    factors_reset,
    step_up,
    passkeys,
    passkey_sign_in,
    sessions,
    elevations,
    impersonations,
    roles,
    data_isolation,
    isolation_checks,
    departments,
    employees,
    tenants,
    umbrellas,
    security_page,
    threats,
    control_attestations,
    branding,
    brand_previews,
    public_looks,
    consent_purposes,
    consents,
    privacy_requests,
    privacy_holds,
    privacy,
    retention_rules,
    sso,
    sso_asking,
    sso_sign_in,
    sso_steps,
    sso_back,
    invitations,
    accepting,
    users,
)

PUBLIC = frozenset(
    {
        "POST /api/v1/auth/login",
        "POST /auth/api/auth/login",
        "POST /api/v1/auth/passkeys/login",
        "POST /api/v1/auth/passkeys/login/options",
        "POST /api/v1/auth/refresh",
        "POST /api/v1/mobile/biometric/auth",
        "POST /api/v1/auth/register",
        "POST /api/v1/auth/confirm-registration",
        "POST /api/v1/auth/confirm-email",
        "POST /api/v1/auth/forgot-password",
        "POST /api/v1/auth/reset-password",
        "POST /api/v1/mobile/auth",
        "POST /api/v1/customer/auth",
        "POST /api/v1/customer/auth/code",
        "GET /api/v1/b2b/white-label/{slug}",  # what the log-in page looks like
        "GET /api/v1/b2b/white-label/{slug}/theme.css",
        "GET /api/v1/b2b/white-label/{slug}/logo",
        "GET /api/v1/b2b/white-label/{slug}/favicon",
        "POST /api/v1/auth/sso/discover",
        "GET /api/v1/auth/sso/{connection_id}/start",
        "GET /api/v1/auth/sso/oidc/{connection_id}/callback",
        "GET /api/v1/auth/sso/saml/{connection_id}/metadata",
        "POST /api/v1/auth/sso/saml/{connection_id}/acs",
        "GET /api/v1/auth/sso/finish",
        "GET /api/v1/employees/validate-invitation/{token}",  # whoever holds the link of the mail
        "POST /api/v1/employees/validate-invitation",
        "POST /api/v1/employees/accept-invitation",
        "POST /api/v1/employees/register",  # by such a link, else it asks for permissions itself
    }
)
"""What may be called without logging in."""
