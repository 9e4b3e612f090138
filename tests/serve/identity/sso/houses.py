"""Houses that let their people in by themselves: connections, proven domains, browsers that sign in."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import httpx

from serve.app import create_app
from serve.settings import Settings
from tests.conftest import TestCluster
from tests.serve.conftest import Running
from tests.serve.firm import Firm
from tests.serve.identity.sso.names import Names
from tests.serve.identity.sso.oidc_provider import CLIENT_ID, CLIENT_SECRET
from tests.serve.identity.sso.saml_provider import Asked, SamlProvider

ROOT = Path(__file__).parents[4]
SSO, AUTH = "/api/v1/b2b/enterprise-sso", "/api/v1/auth/sso"
MAPPING = {
    "role": "groups",
    "roles": [{"value": "bosses", "role": "manager"}, {"value": "crew", "role": "technician"}],
    "default_role": "viewer",
}


@contextmanager
def open_firm(pg: TestCluster, home: Path, names: Names, **settings: Any) -> Iterator[Firm]:
    """A firm that may call this machine, where the providers of these tests are."""
    address = pg.clone()
    said: dict[str, Any] = {
        "throughline_home": home,
        "database_url": address.base,
        "background_work": False,
        "out_private_hosts": True,
        "out_ports": [],
        "dns_resolver": names.address,
        **settings,
    }
    running = Running(create_app(Settings(**said))).start()
    try:
        yield Firm(running, address).settle()
    finally:
        running.stop()
        pg.drop(address)


@dataclass
class OidcProvider:
    """The process, from outside."""

    issuer: str

    def plan(self, **said: Any) -> None:
        httpx.put(f"{self.issuer}/plan", json=said).raise_for_status()

    def says(self, subject: str, email: str | None = None, *, verified: Any = True, **more: Any) -> None:
        """The next people to sign in are this one."""
        claims = {"sub": subject, "name": "Ada Byron"}
        if email is not None:
            claims |= {"email": email, "email_verified": verified}
        claims |= more.pop("claims", {})
        self.plan(claims=claims, **more)

    def asked(self) -> dict[str, int]:
        return httpx.get(f"{self.issuer}/asked").json()


@contextmanager
def oidc_provider() -> Iterator[OidcProvider]:
    command = [sys.executable, "-m", "tests.serve.identity.sso.oidc_provider"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        provider = OidcProvider(process.stdout.readline().strip())
        with httpx.Client(transport=httpx.HTTPTransport(retries=50)) as client:
            client.get(f"{provider.issuer}/asked").raise_for_status()
        yield provider
    finally:
        process.terminate()
        process.wait()


@dataclass
class House:
    """A tenant's connection with a domain of its own."""

    firm: Firm
    tenant: UUID
    id: str
    domain: str

    @property
    def start(self) -> str:
        return f"{AUTH}/{self.id}/start"

    @property
    def acs(self) -> str:
        return f"{AUTH}/saml/{self.id}/acs"

    def mail(self, name: str | None = None) -> str:
        return f"{name or f'p{uuid4().hex[:8]}'}@{self.domain}"

    def owner(self) -> httpx.Client:
        return self.firm.client("owner", self.tenant)

    def change(self, **changes: Any) -> dict[str, Any]:
        return said(self.owner().patch(f"{SSO}/connections/{self.id}", json=changes))

    def identities(self) -> list[Any]:
        return self.firm.sql(
            "select i.subject, u.email, m.role from sso_identities i join users u on u.id = i.user_id"
            " left join memberships m on m.user_id = u.id and m.tenant_id = i.tenant_id"
            " where i.connection_id = %s order by i.created_at",
            self.id,
        )

    def sessions(self) -> int:
        """Of anybody whom the connection knows, and whom it has made."""
        return int(
            self.firm.sql(
                "select count(*) from sessions s join users u on u.id = s.user_id"
                " where u.email like %s or u.id in (select user_id from sso_identities where connection_id = %s)",
                *(f"%@{self.domain}", self.id),
            )[0][0]
        )

    def member(self, role: str = "manager", *, tenant: UUID | None = None, name: str | None = None) -> Member:
        """Somebody with an address of the domain, and a password that nobody knows."""
        email = self.mail(name)
        [(user_id,)] = self.firm.sql(
            "insert into users (email, full_name, password_hash) values (%s, 'Mona Member', 'x') returning id",
            email,
        )
        self.firm.sql(
            "insert into memberships (user_id, tenant_id, role) values (%s, %s, %s)",
            *(user_id, tenant or self.tenant, role),
        )
        return Member(user_id, email)


@dataclass
class Member:
    id: UUID
    email: str


def said(response: httpx.Response) -> Any:
    assert response.is_success, f"{response.status_code} {response.text}"
    return response.json()["data"]


def prove(firm: Firm, names: Names, tenant: UUID, connection_id: str, domain: str) -> str:
    """The domain is the tenant's from now on; its id."""
    owner = firm.client("owner", tenant)
    asked = {"domain": domain, "connection_id": connection_id}
    claimed = said(owner.post(f"{SSO}/domains", json=asked))
    names.texts[claimed["record_name"]] = [claimed["record_value"]]
    verified = said(owner.post(f"{SSO}/domains/{claimed['id']}/verify"))
    assert verified["verified_at"]
    return str(claimed["id"])


def oidc_house(
    firm: Firm, names: Names, provider: OidcProvider, tenant: UUID | None = None, **mapping: Any
) -> House:
    configuration = {"issuer": provider.issuer, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    return _house(firm, names, "oidc", configuration, tenant, mapping)


def saml_house(
    firm: Firm,
    names: Names,
    provider: SamlProvider,
    tenant: UUID | None = None,
    *,
    unasked: bool = False,
    **mapping: Any,
) -> House:
    configuration = {
        "entity_id": provider.entity_id,
        "sso_url": provider.sso_url,
        "certificates": [provider.certificate],
        "allows_unasked": unasked,
    }
    return _house(firm, names, "saml", configuration, tenant, mapping)


def _house(
    firm: Firm,
    names: Names,
    kind: str,
    configuration: dict[str, Any],
    tenant: UUID | None,
    mapping: dict[str, Any],
) -> House:
    tenant = tenant or firm.a
    body = {
        "ssoProvider": kind,
        "name": f"House {uuid4().hex[:8]}",
        "configuration": configuration,
        "userMapping": MAPPING | mapping,
    }
    made = said(firm.client("owner", tenant).post(SSO, json=body))
    domain = f"h{uuid4().hex[:10]}.example"
    prove(firm, names, tenant, made["id"], domain)
    return House(firm, tenant, made["id"], domain)


# Browsers


def browser(firm: Firm) -> httpx.Client:
    """It keeps cookies, and follows nothing by itself."""
    return firm.running.client()


def to_provider(client: httpx.Client, house: House, **asked: str) -> str:
    """The address at the provider that the browser is sent to."""
    response = client.get(house.start, params=asked)
    assert response.status_code == 303, response.text
    return response.headers["location"]


def by_oidc(client: httpx.Client, house: House, **asked: str) -> httpx.Response:
    """The whole way: the answer to the last step."""
    at_provider = httpx.get(to_provider(client, house, **asked))
    assert at_provider.status_code == 303, at_provider.text
    return client.get(here(at_provider.headers["location"]))


def here(url: str) -> str:
    """The path of an address of ours: the service is told one name, and listens at another."""
    assert url.startswith("http://localhost:8000/"), url
    return url.removeprefix("http://localhost:8000")


def by_saml(
    client: httpx.Client, house: House, provider: SamlProvider, name_id: str = "ada-1", **how: Any
) -> httpx.Response:
    """The whole way, or as far as it goes."""
    asked = Asked.of(to_provider(client, house))
    posted = post(client, house, provider.answer(asked, name_id, **how))
    if posted.status_code != 303 or not posted.headers["location"].startswith(AUTH):
        return posted
    return client.get(posted.headers["location"])


def post(client: httpx.Client, house: House, answer: str) -> httpx.Response:
    """As a form of another site does: without our cookies."""
    stranger = house.firm.running.client()
    return stranger.post(house.acs, data={"SAMLResponse": answer, "RelayState": "whatever"})


def state_of(url: str) -> str:
    return parse_qs(urlsplit(url).query)["state"][0]


def me(client: httpx.Client) -> dict[str, Any]:
    return said(client.get("/api/v1/auth/me"))
