"""The two ceremonies of WebAuthn, as the library does them; no database.

A passkey says itself that it has seen its person (user verification, which is always required): something one has, and
something one knows or is. So a passkey alone is two factors.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, get_args

from webauthn import (
    base64url_to_bytes,
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.authentication.verify_authentication_response import VerifiedAuthentication
from webauthn.helpers import options_to_json_dict, parse_client_data_json
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from serve.identity.passkeys.party import RelyingParty
from serve.identity.passkeys.schemas import Assertion, Attestation, Transport
from serve.kernel.db import Record

log = logging.getLogger("throughline.security")

CHALLENGE_LIFE = timedelta(minutes=5)
MOST_ID_BYTES = 1023
"""Of a credential, as WebAuthn has it; the store could not index a much longer one."""
_LIFE_MS = int(CHALLENGE_LIFE.total_seconds() * 1000)


class NotVerified(ValueError):
    """What came is not what was asked for."""


@dataclass(frozen=True, slots=True)
class NewPasskey:
    credential_id: bytes
    public_key: bytes
    sign_count: int
    transports: list[str]
    is_synced: bool


@dataclass(frozen=True, slots=True)
class Use:
    """A passkey was used by whom it belongs to. ``is_copied``: by somebody else as well, its counter says."""

    sign_count: int
    is_synced: bool
    is_copied: bool


def creation_options(
    party: RelyingParty,
    *,
    handle: bytes,
    email: str,
    full_name: str,
    challenge: bytes,
    known: Iterable[Record],
) -> dict[str, Any]:
    """``known`` are the person's passkeys: no device makes a second one."""
    options = generate_registration_options(
        rp_id=party.id,
        rp_name=party.name,
        user_id=handle,
        user_name=email,
        user_display_name=full_name,
        challenge=challenge,
        timeout=_LIFE_MS,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[
            PublicKeyCredentialDescriptor(
                row["credential_id"], transports=[AuthenticatorTransport(each) for each in row["transports"]]
            )
            for row in known
        ],
    )
    return options_to_json_dict(options)


def request_options(party: RelyingParty, challenge: bytes) -> dict[str, Any]:
    """The same for everybody: no passkey is named, so nothing is said about anybody."""
    options = generate_authentication_options(
        rp_id=party.id,
        challenge=challenge,
        timeout=_LIFE_MS,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return options_to_json_dict(options)


def decoded(text: str) -> bytes:
    """Raises NotVerified."""
    try:
        return base64url_to_bytes(text)
    except ValueError as error:
        raise NotVerified("not base64url") from error


def challenge_of(credential: Attestation | Assertion) -> bytes:
    """Which challenge it says it answers. Raises NotVerified, also for a page in a frame of another site."""
    try:
        said = parse_client_data_json(base64url_to_bytes(credential.response.client_data_json))
    except Exception as error:
        raise NotVerified("clientDataJSON cannot be read") from error
    if said.cross_origin:
        raise NotVerified("made in a frame of another site")
    return said.challenge


def registered(party: RelyingParty, credential: Attestation, challenge: bytes) -> NewPasskey:
    """Raises NotVerified."""
    try:
        made = verify_registration_response(
            credential=credential.standard(),
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origins,
            require_user_verification=True,
        )
    except Exception as error:  # whatever a parser of bytes from outside may raise is a refusal
        raise NotVerified(f"{type(error).__name__}: {error}") from error
    if len(made.credential_id) > MOST_ID_BYTES:
        raise NotVerified(f"an id of {len(made.credential_id)} bytes")
    transports = [each for each in get_args(Transport) if each in credential.response.transports]
    return NewPasskey(
        made.credential_id,
        made.credential_public_key,
        made.sign_count,
        transports,
        made.credential_device_type == CredentialDeviceType.MULTI_DEVICE,
    )


def used(party: RelyingParty, credential: Assertion, challenge: bytes, passkey: Record) -> Use:
    """``passkey`` is the row of the credential. Raises NotVerified."""
    if credential.response.user_handle is None:
        raise NotVerified("it does not say whose it is")
    if decoded(credential.response.user_handle) != passkey["handle"]:
        raise NotVerified("it says that it is somebody else's")
    found = _verified(party, credential, challenge, passkey["public_key"])
    before, now = passkey["sign_count"], found.new_sign_count
    return Use(
        now,
        found.credential_device_type == CredentialDeviceType.MULTI_DEVICE,
        is_copied=(before > 0 or now > 0) and now <= before,
    )


def _verified(
    party: RelyingParty, credential: Assertion, challenge: bytes, public_key: bytes
) -> VerifiedAuthentication:
    """The library refuses a counter that went back like anything else; we look at it ourselves, because a right
    signature with such a counter is news to the passkey's owner."""
    try:
        return verify_authentication_response(
            credential=credential.standard(),
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origins,
            credential_public_key=public_key,
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except Exception as error:  # whatever a parser of bytes from outside may raise is a refusal
        raise NotVerified(f"{type(error).__name__}: {error}") from error
