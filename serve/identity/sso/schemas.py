"""What a connection is to clients. Its secret is taken and never given."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import EmailStr, Field

from serve.kernel.envelope import Input, Output
from serve.kernel.paging import Paged
from serve.kernel.resources.schemas import Line, patch_of

Kind = Literal["oidc", "saml"]
VISIBLE = r"^[\x20-\x7e]+$"
Claim = Annotated[Line, Field(min_length=1, max_length=300)]


class SsoConfiguration(Input):
    """What we must know of the provider. OpenID Connect: issuer, client and its secret, all else is discovered. SAML:
    either the provider's metadata, or what would be read from there."""

    issuer: Line | None = Field(
        None, min_length=8, max_length=1000, description="OpenID Connect: the provider's own address."
    )
    client_id: Line | None = Field(
        None, min_length=1, max_length=500, pattern=VISIBLE, description="OpenID Connect."
    )
    client_secret: Line | None = Field(
        None,
        min_length=1,
        max_length=2000,
        pattern=VISIBLE,
        description="OpenID Connect; kept encrypted and never shown. Not sent, it stays, unless the issuer changes.",
    )
    client_auth: Literal["client_secret_basic", "client_secret_post", "none"] = Field(
        "client_secret_basic", description="OpenID Connect: how we show who we are when we fetch a token."
    )
    scopes: list[Annotated[Line, Field(min_length=1, max_length=100, pattern=r"^[!#-\[\]-~]+$")]] = Field(
        ["openid", "email", "profile"], max_length=20, description="OpenID Connect: what we ask for."
    )
    metadata_xml: Line | None = Field(
        None,
        max_length=200_000,
        description="SAML: the provider's metadata; entity, address and certificates are read from it.",
        examples=[None],
    )
    entity_id: Line | None = Field(
        None, min_length=1, max_length=1000, description="SAML: the provider's own name.", examples=[None]
    )
    sso_url: Line | None = Field(
        None,
        min_length=8,
        max_length=1000,
        description="SAML: where we send people (redirect binding).",
        examples=[None],
    )
    certificates: list[Annotated[Line, Field(min_length=100, max_length=20_000)]] | None = Field(
        None,
        max_length=10,
        description="SAML: what the provider signs with (PEM); several while it changes them.",
        examples=[None],
    )
    allows_unasked: bool = Field(
        False, description="SAML: let people in whom the provider sends without our asking."
    )


class SsoRoleLine(Input):
    value: Claim = Field(description="What the provider says.", examples=["fleet-managers"])
    role: Line = Field(min_length=1, max_length=100, description="What it means here.", examples=["manager"])


class SsoUserMapping(Input):
    """Which claim or attribute says what, and who is what here."""

    email: Claim = Field("email", description="Has the mail address; `name_id` is SAML's name of the person.")
    full_name: Claim = Field("name", description="Has the name.")
    role: Claim | None = Field(
        None, description="Has what `roles` reads, such as groups.", examples=["groups"]
    )
    roles: list[SsoRoleLine] = Field([], max_length=200, description="The first line that fits counts.")
    default_role: Line | None = Field(
        None,
        min_length=1,
        max_length=100,
        description="For those whom no line fits; without it they are not let in.",
        examples=["viewer"],
    )
    makes_people: bool = Field(
        True, description="Somebody who is not here yet is made; else only those come in who are."
    )
    keeps_roles_in_step: bool = Field(
        False, description="The mapping counts at each sign-in, not only at the first; owners stay owners."
    )
    vouches_for_mail: bool = Field(
        False,
        description="OpenID Connect: mail addresses of the domain are right although the provider says no "
        "`email_verified`. Only for a provider where nobody chooses their own address.",
    )


class SsoSetup(Input):
    """A connection to make, or to put in the place of the one of that name."""

    sso_provider: Kind = Field(description="The language the provider speaks.", examples=["oidc"])
    name: Line = Field("Single sign-on", min_length=1, max_length=100, examples=["Head office"])
    is_enabled: bool = True
    configuration: SsoConfiguration = Field(
        examples=[
            {
                "issuer": "https://login.example.com",
                "client_id": "throughline",
                "client_secret": "kq3yT0b2eJf1r8sX",
            }
        ]
    )
    user_mapping: SsoUserMapping = Field(
        default_factory=SsoUserMapping,
        examples=[{"role": "groups", "roles": [{"value": "fleet-managers", "role": "manager"}]}],
    )


SsoConfigurationPart = patch_of(SsoConfiguration, "SsoConfigurationPart")
SsoUserMappingPart = patch_of(SsoUserMapping, "SsoUserMappingPart")


class SsoConnectionChange(Input):
    """What is not sent stays as it is, inside of the two objects too."""

    name: Line = Field(None, min_length=1, max_length=100, examples=["Head office"])
    configuration: SsoConfigurationPart = Field(None, examples=[{"scopes": ["openid", "email"]}])
    user_mapping: SsoUserMappingPart = Field(None, examples=[{"default_role": "viewer"}])


class SsoCertificateRead(Output):
    fingerprint: str = Field(description="SHA-256, hexadecimal.", examples=["9f86d081884c7d65"])
    subject: str = Field(examples=["CN=login.example.com"])
    ends_at: datetime
    pem: str = Field(examples=["-----BEGIN CERTIFICATE-----"])


class SsoConfigurationRead(Output):
    issuer: str | None = Field(examples=["https://login.example.com"])
    client_id: str | None = Field(examples=["throughline"])
    client_secret_is_set: bool
    client_auth: str = Field(examples=["client_secret_basic"])
    scopes: list[str] = Field(examples=[["openid", "email", "profile"]])
    entity_id: str | None = Field(examples=[None])
    sso_url: str | None = Field(examples=[None])
    certificates: list[SsoCertificateRead] = Field(examples=[[]])
    allows_unasked: bool


class SsoRoleLineRead(Output):
    value: str = Field(examples=["fleet-managers"])
    role: str = Field(examples=["manager"])


class SsoUserMappingRead(Output):
    email: str = Field(examples=["email"])
    full_name: str = Field(examples=["name"])
    role: str | None = Field(examples=["groups"])
    roles: list[SsoRoleLineRead]
    default_role: str | None = Field(examples=["viewer"])
    makes_people: bool
    keeps_roles_in_step: bool
    vouches_for_mail: bool


class SsoAddresses(Output):
    """What the provider's administrator is asked for."""

    start_url: str = Field(
        description="Where people begin.",
        examples=["https://ops.example.com/api/v1/auth/sso/0192f0c1-7d3a-7b6e-9c0e-5f1f6f0f6a01/start"],
    )
    redirect_uri: str | None = Field(
        description="OpenID Connect.",
        examples=[
            "https://ops.example.com/api/v1/auth/sso/oidc/0192f0c1-7d3a-7b6e-9c0e-5f1f6f0f6a01/callback"
        ],
    )
    entity_id: str | None = Field(description="SAML: our name, the audience.", examples=[None])
    acs_url: str | None = Field(description="SAML: where assertions are posted.", examples=[None])
    metadata_url: str | None = Field(description="SAML: all of this in one document.", examples=[None])


class SsoConnectionRead(Output):
    id: UUID
    name: str = Field(examples=["Head office"])
    sso_provider: Kind
    is_enabled: bool
    configuration: SsoConfigurationRead
    user_mapping: SsoUserMappingRead
    addresses: SsoAddresses
    domains: list[str] = Field(
        description="Proven mail domains that it speaks for.", examples=[["example.com"]]
    )
    people_count: int = Field(description="Who came in by it so far.", examples=[12])
    changed_by_role: str = Field(
        description="Of whoever changed it last: nobody comes in by it who may do more.", examples=["owner"]
    )
    tested_at: datetime | None = Field(examples=[None])
    is_sound: bool | None = Field(description="What the last test said.", examples=[None])
    created_at: datetime
    updated_at: datetime


class SsoFinding(Output):
    """One thing that was looked at."""

    check: str = Field(examples=["discovery"])
    is_right: bool
    message: str = Field(examples=["The provider's own description was read."])


class SsoTest(Output):
    is_sound: bool = Field(description="Nothing is wrong.")
    findings: list[SsoFinding]


class SsoGone(Output):
    id: UUID


class SsoDomainFields(Input):
    domain: Line = Field(min_length=3, max_length=253, examples=["example.com"])
    connection_id: UUID


class SsoDomainChange(Input):
    """What is not sent stays as it is."""

    connection_id: UUID = Field(None)
    is_enforced: bool = Field(
        None,
        description="People of the domain come in only by the connection; owners by any way.",
        examples=[False],
    )


class SsoDomainRead(Output):
    id: UUID
    domain: str = Field(examples=["example.com"])
    connection_id: UUID
    is_enforced: bool
    verified_at: datetime | None = Field(description="When it was proven; null: it does not count yet.")
    record_name: str = Field(
        description="Of the TXT record that proves it.", examples=["_throughline.example.com"]
    )
    record_value: str = Field(examples=["throughline-verification=kq3yT0b2eJf1r8sXw5nZ7uVd4hGm6pLc"])
    created_at: datetime
    updated_at: datetime


class SsoDomainGone(Output):
    id: UUID


class SsoQuery(Paged):
    pass


class SsoAsked(Input):
    email: EmailStr = Field(max_length=254, examples=["ada@example.com"])


class SsoFound(Output):
    """Whether the mail's domain comes in by a provider; nothing about the address itself."""

    has_connection: bool
    connection_id: UUID | None
    kind: Kind | None
    start_url: str | None = Field(examples=["/api/v1/auth/sso/0192f0c1-7d3a-7b6e-9c0e-5f1f6f0f6a01/start"])
    is_enforced: bool = Field(
        description="A password opens nothing for people of the domain, but for owners."
    )
