"""Trying a connection out: what can be known about it before anybody signs in, each thing with what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from serve.identity.sso import saml
from serve.identity.sso.addresses import is_address
from serve.identity.sso.oidc import Oidc
from serve.kernel.errors import Problem

SOON = timedelta(days=30)
Finding = dict[str, Any]


async def try_out(
    connection: Mapping[str, Any], oidc: Oidc, *, has_secret: bool, plain_too: bool
) -> list[Finding]:
    """What was looked at; nobody is signed in."""
    configuration = connection["configuration"]
    if connection["kind"] == "oidc":
        findings = await _oidc(configuration, oidc, has_secret=has_secret)
    else:
        findings = _saml(configuration, plain_too=plain_too)
    domains = connection["domains"]
    findings.append(
        _finding(
            "domains",
            bool(domains),
            f"It speaks for {', '.join(domains)}."
            if domains
            else "No proven domain: nobody new can come in by it.",
        )
    )
    mapping = connection["user_mapping"]
    has_roles = bool(mapping["default_role"] or mapping["roles"]) or not mapping["makes_people"]
    findings.append(
        _finding(
            "roles",
            has_roles,
            "Who comes in has a role." if has_roles else "Nobody new gets a role, so nobody new is let in.",
        )
    )
    return findings


async def _oidc(configuration: Mapping[str, Any], oidc: Oidc, *, has_secret: bool) -> list[Finding]:
    needs_secret = configuration["client_auth"] != "none"
    secret = _finding(
        "client",
        has_secret or not needs_secret,
        "There is what we show the provider."
        if has_secret or not needs_secret
        else "The client secret is missing.",
    )
    try:
        provider = await oidc.provider(configuration["issuer"], anew=True)
    except Problem as problem:
        return [_finding("discovery", False, str(problem.detail)), secret]
    kinds = sorted({key.key_type for key in provider.keys})
    return [
        _finding("discovery", True, "The provider's own description was read."),
        _finding("keys", True, f"It shows {len(provider.keys.keys)} keys ({', '.join(kinds)})."),
        secret,
    ]


def _saml(configuration: Mapping[str, Any], *, plain_too: bool) -> list[Finding]:
    now = datetime.now(UTC)
    over = saml.ending(configuration["certificates"], now)
    late = saml.ending(configuration["certificates"], now + SOON)
    url = configuration["sso_url"]
    is_right = is_address(url, plain_too=plain_too)
    said = "All certificates are good."
    if over:
        said = f"{len(over)} certificates have ended or not begun; the provider may have newer ones."
    elif late:
        said = f"{len(late)} certificates end within {SOON.days} days."
    return [
        _finding("certificates", len(over) < len(configuration["certificates"]), said),
        _finding(
            "address",
            is_right,
            f"People are sent to {url}." if is_right else f"{url} is no address that people can be sent to.",
        ),
    ]


def _finding(check: str, is_right: bool, message: str) -> Finding:
    return {"check": check, "is_right": is_right, "message": message}
