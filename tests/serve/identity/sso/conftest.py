"""A firm whose tenants let their people in by providers of this machine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import TestCluster
from tests.serve.firm import Firm
from tests.serve.identity.sso.houses import OidcProvider, oidc_provider, open_firm
from tests.serve.identity.sso.names import Names, names_served
from tests.serve.identity.sso.saml_provider import SamlProvider


@pytest.fixture(scope="module")
def names() -> Iterator[Names]:
    with names_served() as names:
        yield names


@pytest.fixture(scope="module")
def firm(pg: TestCluster, tmp_path_factory: pytest.TempPathFactory, names: Names) -> Iterator[Firm]:
    with open_firm(pg, tmp_path_factory.mktemp("home"), names) as firm:
        yield firm


@pytest.fixture(scope="module")
def provider() -> Iterator[OidcProvider]:
    with oidc_provider() as provider:
        yield provider


@pytest.fixture(scope="module")
def idp() -> SamlProvider:
    return SamlProvider()
