"""Schemathesis over every operation: no failure of ours, nothing undocumented, and each is seen succeeding."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import TestCluster
from tests.surface.calls import Surface
from tests.surface.chains import SIGNS_OUT, follow
from tests.surface.conftest import surface_of_its_own
from tests.surface.fuzz import ask, refusals_are_explained
from tests.surface.operations import OPERATIONS, Operation

EXAMPLES, MORE_EXAMPLES, MANY_EXAMPLES = 4, 16, 60
"""Most of the time goes into thinking requests up: more of them only where few have not found one that succeeds."""
CHAINS, MANY_CHAINS = (8, 10), (60, 20)  # how many, of how many requests at most

_CEREMONY = (
    "what an authenticator has signed, which the schema leaves open: tests/serve/identity/test_passkeys.py"
)
_PUBLIC_LOOK = "whatever word is asked for has a look, ours at least: tests/serve/identity/branding"
_NUMBERS = "a number that grows with each version, which chance does not find: tests/serve/identity/branding"
OTHERWISE = {
    SIGNS_OUT: "it would sign out whoever all others are asked by: tests/serve/identity/test_sign_out.py",
    "POST /api/v1/mcp": "JSON-RPC, whose refusals are its own: tests/serve/mcp/test_door.py",
    "POST /api/v1/auth/passkeys": _CEREMONY,
    "POST /api/v1/auth/passkeys/login": _CEREMONY,
    "GET /api/v1/b2b/white-label/{slug}": _PUBLIC_LOOK,
    "GET /api/v1/b2b/white-label/{slug}/theme.css": _PUBLIC_LOOK,
    "GET /api/v1/b2b/white-label/{slug}/logo": _PUBLIC_LOOK,
    "GET /api/v1/b2b/white-label/{slug}/favicon": _PUBLIC_LOOK,
    "GET /api/v1/b2b/white-label/customization/versions/{number}": _NUMBERS,
    "POST /api/v1/b2b/white-label/customization/versions/{number}/publish": _NUMBERS,
    "POST /api/v1/b2b/white-label/customization/versions/{number}/rollback": _NUMBERS,
}
"""Operations whose odd requests are made by hand, and where."""
FUZZED = [operation for operation in OPERATIONS if operation.name not in OTHERWISE]

_SIGN_IN = "leads a browser on, which is no 2xx: tests/serve/identity/sso"
SILENT: dict[str, str] = {
    "POST /api/v1/tenants/{id}/close": "it would end the tenant that all others are asked of: test_closing.py",
    "POST /api/v1/tenants/{id}/umbrella-requests": "is for tenants without an umbrella: test_umbrellas.py",
    "POST /api/v1/tenants/{id}/umbrella-requests/{request_id}/accept": "the same",
    "POST /api/v1/auth/factors/recovery-codes": "needs a factor that is there: test_factors.py",
    "POST /api/v1/auth/elevation": "needs a session with a second factor: test_other_eyes.py",
    "DELETE /api/v1/auth/elevation": "the same",
    "DELETE /api/v1/privacy/me": "an only owner stays: tests/serve/identity/test_erasure.py",
    "GET /api/v1/auth/sso/{connection_id}/start": _SIGN_IN,
    "GET /api/v1/auth/sso/finish": _SIGN_IN,
    "GET /api/v1/auth/sso/oidc/{connection_id}/callback": _SIGN_IN,
    "POST /api/v1/auth/sso/saml/{connection_id}/acs": _SIGN_IN,
}
"""Operations that no request made so far has brought to a success, and why; it may only shrink."""


@pytest.fixture(scope="module")
def fuzzed(
    pg: TestCluster,
    surface_releases: Path,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[Surface]:
    """A firm of its own, whose people and settings may become anything; and in the end how many succeeded."""
    with surface_of_its_own(pg, surface_releases, tmp_path_factory.mktemp("home")) as surface:
        yield surface
    if reporter := request.config.pluginmanager.get_plugin("terminalreporter"):
        alone = sum(SUCCEEDED.values())
        reporter.write_line(
            f"\n{len(SUCCEEDED)} of {len(OPERATIONS)} operations reached a 2xx, {alone} without a ready body"
        )


SUCCEEDED: dict[str, bool] = {}
"""Operations that did, and whether nobody helped with the body."""


def check(surface: Surface, operation: Operation, examples: int, **how: Any) -> None:
    is_silent = operation.name in SILENT
    for most in (examples, max(examples, MORE_EXAMPLES)):
        asked = ask(surface, operation, examples=most, along_limits=most, **how)
        assert not asked.failures, "\n".join(asked.failures.values())
        if asked.has_succeeded or is_silent:
            break
    assert asked.has_succeeded != is_silent, dict(asked.statuses)
    if asked.has_succeeded:
        SUCCEEDED[operation.name] = asked.has_succeeded_alone


@pytest.mark.parametrize("operation", FUZZED, ids=str)
def test_nothing_unforeseen(fuzzed: Surface, operation: Operation):
    check(fuzzed, operation, EXAMPLES)


@pytest.mark.torture
@pytest.mark.parametrize("operation", FUZZED, ids=str)
def test_nothing_unforeseen_in_many_cases(fuzzed: Surface, operation: Operation):
    # Refusals are looked at here only: chance finds one more reason now and then, which is no reason for a red build.
    check(fuzzed, operation, MANY_EXAMPLES, also=[refusals_are_explained])


def check_chains(surface: Surface, chains: int, steps: int) -> None:
    answered, failures = follow(surface, chains=chains, steps=steps)
    assert not failures, "\n".join(failures.values())
    followed = {name for name, status in answered if status < 300 and "/{id}" in name}
    assert len(followed) > 3, answered  # rows that a request before has made or shown


def test_what_an_answer_leads_to(fuzzed: Surface):
    check_chains(fuzzed, *CHAINS)


@pytest.mark.torture
def test_what_many_answers_lead_to(fuzzed: Surface):
    check_chains(fuzzed, *MANY_CHAINS)
