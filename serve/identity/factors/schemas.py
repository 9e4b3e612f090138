"""What second factors are to clients. A secret is shown once: when it is made."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from serve.identity.factors.rules import Way
from serve.kernel.envelope import Input, Output
from serve.kernel.resources.schemas import Line

Code = Annotated[Line, Field(min_length=6, max_length=100, examples=["123456"])]
RECOVERY = ["k7mq-2xhd-9pzr-w4tb-3vnc-8gfa"]


class TotpRead(Output):
    since: datetime
    last_used_at: datetime | None


class RecoveryCodesRead(Output):
    left: int = Field(description="How many were not used yet.", examples=[10])
    since: datetime


class FactorsRead(Output):
    """What the person proves who they are with, besides the password."""

    has_second_factor: bool = Field(description="Whether log-in with the password asks for more.")
    ways: list[Way] = Field(
        description="What it asks for, one of these.", examples=[["totp", "recovery_code"]]
    )
    totp: TotpRead | None = Field(description="One-time codes of an authenticator app; null without.")
    passkey_count: int = Field(examples=[0])
    recovery_codes: RecoveryCodesRead | None


class TotpBegun(Output):
    """A secret that counts once a code of it was confirmed. This answer is the only one that shows it."""

    secret: str = Field(
        description="For typing into an authenticator app.", examples=["JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"]
    )
    uri: str = Field(
        description="The same as an address that apps read.",
        examples=[
            "otpauth://totp/Throughline:owner%40example.com?secret=JBSWY3DPEHPK3PXP&issuer=Throughline"
        ],
    )
    qr_svg: str = Field(
        description="The address as a picture: a `data:` address of an SVG.",
        examples=["data:image/svg+xml,%3Csvg%20xmlns='http://www.w3.org/2000/svg'/%3E"],
    )


class CodeGiven(Input):
    code: Code = Field(description="What the app shows now.")


class FactorsChanged(FactorsRead):
    new_recovery_codes: list[str] | None = Field(
        description="Each works once in the place of a second factor. Shown now and never again; null when the account"
        " has had a second factor before, and its codes stay.",
        examples=[RECOVERY],
    )


class RecoveryCodesMade(Output):
    """The only codes that work from now on. This answer is the only one that shows them."""

    recovery_codes: list[str] = Field(description="Each works once.", examples=[RECOVERY])
