"""Passkeys as clients see them, and what goes to and comes from the browser.

The latter has the shape of the standard (WebAuthn level 3, the JSON forms), names and all: a browser makes its options
with ``PublicKeyCredential.parseCreationOptionsFromJSON`` and its answer with ``credential.toJSON()``.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AliasChoices, Field

from serve.kernel.envelope import Input, Output
from serve.kernel.resources.schemas import Line

_EXAMPLE = "kq3yT0b2eJf1r8sXw5nZ7uVd4hGm6pLc9aQiRoEtYxW"


def _base64(most: int) -> Any:
    return Annotated[
        str, Field(min_length=1, max_length=most, pattern=r"^[A-Za-z0-9_-]+$", examples=[_EXAMPLE])
    ]


Short, Long = _base64(2_048), _base64(16_384)
Attachment = Literal["platform", "cross-platform"]
Transport = Literal["usb", "nfc", "ble", "hybrid", "cable", "internal"]
PasskeyName = Annotated[Line, Field(min_length=1, max_length=100, examples=["Phone"])]


class RelyingPartyRead(Output):
    name: str = Field(examples=["Throughline"])
    id: str = Field(examples=["ops.example.com"])


class PasskeyUser(Output):
    id: str = Field(description="Random; the same for all passkeys of the person.", examples=[_EXAMPLE])
    name: str = Field(examples=["owner@example.com"])
    displayName: str = Field(examples=["Olga Owner"])


class KeyKind(Output):
    type: Literal["public-key"]
    alg: int = Field(examples=[-7])


class KnownPasskey(Output):
    id: str = Field(examples=[_EXAMPLE])
    type: Literal["public-key"]
    transports: list[str] = Field([], examples=[["internal"]])


class Selection(Output):
    residentKey: Literal["required"]
    requireResidentKey: bool
    userVerification: Literal["required"]


class CreationOptions(Output):
    rp: RelyingPartyRead
    user: PasskeyUser
    challenge: str = Field(examples=[_EXAMPLE])
    pubKeyCredParams: list[KeyKind]
    timeout: int = Field(description="Milliseconds.", examples=[300_000])
    excludeCredentials: list[KnownPasskey]
    authenticatorSelection: Selection
    attestation: Literal["none"]


class RequestOptions(Output):
    challenge: str = Field(examples=[_EXAMPLE])
    timeout: int = Field(description="Milliseconds.", examples=[300_000])
    rpId: str = Field(examples=["ops.example.com"])
    allowCredentials: list[KnownPasskey] = Field(
        description="Empty: any passkey made here will do, and the authenticator knows which it has.",
        examples=[[]],
    )
    userVerification: Literal["required"]


class _Credential(Input):
    id: Short
    raw_id: Short
    type: Literal["public-key"]
    authenticator_attachment: Attachment | None = None
    client_extension_results: dict[str, Any] = Field(
        default_factory=dict, max_length=50, description="Not looked at.", examples=[{}]
    )


class AssertionResponse(Input):
    client_data_json: Long = Field(validation_alias=AliasChoices("client_data_json", "clientDataJSON"))
    authenticator_data: Short
    signature: Long
    user_handle: Short | None = None


class Assertion(_Credential):
    """What ``navigator.credentials.get()`` gives, as ``toJSON()`` writes it."""

    response: AssertionResponse

    def standard(self) -> dict[str, Any]:
        """In the words of the standard."""
        response = self.response
        return {
            "id": self.id,
            "rawId": self.raw_id,
            "type": self.type,
            "response": {
                "clientDataJSON": response.client_data_json,
                "authenticatorData": response.authenticator_data,
                "signature": response.signature,
                "userHandle": response.user_handle,
            },
        }


class AttestationResponse(Input):
    client_data_json: Long = Field(validation_alias=AliasChoices("client_data_json", "clientDataJSON"))
    attestation_object: Long
    transports: list[Line] = Field([], max_length=10, examples=[["internal"]])
    authenticator_data: Long | None = Field(None, description="Not looked at: it stands in the object.")
    public_key: Long | None = Field(None, description="Not looked at: it stands in the object.")
    public_key_algorithm: int | None = Field(None, description="Not looked at.", examples=[-7])


class Attestation(_Credential):
    """What ``navigator.credentials.create()`` gives, as ``toJSON()`` writes it."""

    response: AttestationResponse

    def standard(self) -> dict[str, Any]:
        """In the words of the standard."""
        return {
            "id": self.id,
            "rawId": self.raw_id,
            "type": self.type,
            "response": {
                "clientDataJSON": self.response.client_data_json,
                "attestationObject": self.response.attestation_object,
            },
        }


class PasskeyFields(Input):
    name: PasskeyName


class PasskeyNew(Input):
    name: PasskeyName = "Passkey"
    credential: Attestation


class PasskeySignIn(Input):
    credential: Assertion
    tenant: Line | None = Field(
        None,
        max_length=100,
        description="Slug or id of the tenant to work for; else the first membership.",
        examples=[None],
    )


class PasskeyRead(Output):
    id: UUID
    name: str = Field(examples=["Phone"])
    transports: list[str] = Field(examples=[["internal"]])
    is_synced: bool = Field(description="Whether it is kept on more devices than one.")
    created_at: datetime
    last_used_at: datetime | None


class PasskeyMade(PasskeyRead):
    new_recovery_codes: list[str] | None = Field(
        description="With the first second factor: each works once in its place. Shown now and never again.",
        examples=[None],
    )


class PasskeyGone(Output):
    id: UUID
    name: str = Field(examples=["Phone"])
