"""The categories of settings: one model each, with its defaults. What is stored lies over them."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from typing import Annotated, Literal
from uuid import UUID
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, EmailStr, Field, ValidationInfo, field_validator

from serve.kernel.envelope import Input, Meta, Output
from serve.kernel.resources.schemas import Line
from serve.platform.notifications.rules import RuleKind

OneLine = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$")]
Day = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("is not a time zone; names are such as Europe/Berlin")
    return name


def _plain_address(address: str) -> str:
    if not address.isascii():
        raise ValueError("must have ASCII characters only: few mail servers take others from a sender")
    return address


Timezone = Annotated[str, Field(max_length=64), AfterValidator(_known_zone)]
Sender = Annotated[EmailStr, AfterValidator(_plain_address)]


class OpenHours(Input):
    day: Day
    opens_at: str = Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", examples=["08:00"])
    closes_at: str = Field(pattern=r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$", examples=["17:00"])

    @field_validator("closes_at")
    @classmethod
    def _after_opening(cls, closes_at: str, info: ValidationInfo) -> str:
        if closes_at <= info.data.get("opens_at", ""):
            raise ValueError("must be later than opens_at")
        return closes_at


def _no_overlap(hours: list[OpenHours]) -> list[OpenHours]:
    for earlier, later in pairwise(sorted(hours, key=lambda each: (each.day, each.opens_at))):
        if earlier.day == later.day and later.opens_at < earlier.closes_at:
            raise ValueError(f"overlap on {later.day}")
    return hours


class General(Input):
    """How the company is named and counts its days. Name, time zone and currency are those of the tenant itself."""

    name: Name = Field(examples=["Example Fleet"])
    timezone: Timezone = Field(description="Where its days begin.", examples=["Europe/Berlin"])
    currency: str = Field(pattern=r"^[A-Z]{3}$", description="Of amounts in reports.", examples=["EUR"])
    locale: Language = Field(
        "en", description="Language and region of texts and numbers.", examples=["en-GB"]
    )
    week_starts_on: Literal["monday", "saturday", "sunday"] = "monday"
    business_hours: Annotated[list[OpenHours], Field(max_length=50), AfterValidator(_no_overlap)] = Field(
        [], description="Empty: not said. Several on one day are allowed."
    )


class Email(Input):
    """The tenant's own mail server. Without a host mail goes where the installation puts it."""

    smtp_host: Annotated[str, Field(pattern=r"^[A-Za-z0-9:]([A-Za-z0-9.:-]{0,251}[A-Za-z0-9])?$")] | None = (
        Field(None, examples=["smtp.example.org"])
    )
    smtp_port: int = Field(587, ge=1, le=65_535, examples=[587])
    security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="`tls` from the first byte (usually port 465), or `starttls`."
    )
    username: Name | None = Field(None, examples=["mailer"])
    password: Annotated[str, Field(min_length=1, max_length=1000, pattern=r"^[^\x00]*$")] | None = Field(
        None, description="Kept encrypted and never shown; kept when it is not sent.", examples=["a password"]
    )
    from_address: Sender | None = Field(None, examples=["office@example.org"])
    from_name: OneLine | None = Field(None, examples=["Example Fleet"])
    reply_to: Sender | None = Field(None, examples=["help@example.org"])


class Notifications(Input):
    """What one person is told of by rules. Messages from people always arrive."""

    is_on: bool = Field(True, description="Be told anything by rules at all.")
    muted_kinds: Annotated[list[RuleKind], Field(max_length=50)] = Field(
        [], description="Kinds that this person is not told of.", examples=[["contact"]]
    )
    is_quiet: bool = Field(False, description="Do not disturb: only urgent ones.")
    own_actions: bool = Field(False, description="Be told of one's own actions too.")


class Preferences(Input):
    """How one person likes to see things."""

    language: Language = Field("en", examples=["de"])
    theme: Literal["system", "light", "dark"] = "system"
    timezone: Timezone | None = Field(None, description="Empty: the tenant's.", examples=["Europe/Berlin"])
    date_format: Literal["yyyy-mm-dd", "dd.mm.yyyy", "dd/mm/yyyy", "mm/dd/yyyy"] = "yyyy-mm-dd"
    time_format: Literal["24h", "12h"] = "24h"
    start_page: str = Field(
        "/", max_length=200, pattern=r"^/([A-Za-z0-9_-][A-Za-z0-9/_.?=&-]*)?$", examples=["/dashboard"]
    )
    rows_per_page: int = Field(20, ge=5, le=1000, examples=[20])
    density: Literal["comfortable", "compact"] = "comfortable"


class Security(Input):
    """What the tenant asks of sessions and passwords."""

    invitation_days: int = Field(
        7, ge=1, le=30, description="Until an invitation that nobody accepts is over, days.", examples=[7]
    )
    session_idle_h: Annotated[int, Field(ge=1, le=8_760)] | None = Field(
        None,
        description="A session unused for so long ends, hours; never later than the installation says.",
        examples=[24],
    )
    session_longest_h: Annotated[int, Field(ge=1, le=8_760)] | None = Field(
        None,
        description="A session ends after so long in any case, hours. Empty: while it is used.",
        examples=[720],
    )
    password_min_length: int = Field(10, ge=10, le=128, description="Of new passwords.", examples=[12])
    second_factor: Literal["optional", "required_for_admins", "required"] = Field(
        "optional",
        description="Of whom a second factor is asked: nobody, owners and admins, or everybody. Whoever has none can do"
        " nothing but set one up. Who comes in by single sign-on is left to what the other house asks.",
    )
    elevation_roles: list[Annotated[Line, Field(min_length=1, max_length=40)]] = Field(
        [],
        max_length=20,
        description="Roles whose people may be administrators for an hour at most, with a second factor and a reason.",
        examples=[["manager"]],
    )

    @field_validator("session_longest_h")
    @classmethod
    def _not_below_idle(cls, longest_h: int | None, info: ValidationInfo) -> int | None:
        if longest_h is not None and longest_h < (info.data.get("session_idle_h") or 0):
            raise ValueError("must not be shorter than session_idle_h")
        return longest_h


class Sales(Input):
    """How the tenant sells."""

    conversion_undo_days: int = Field(
        7,
        ge=0,
        le=90,
        description="So long the conversion of a lead can be undone, days; 0: never.",
        examples=[14],
    )
    first_reply_target_min: int = Field(
        60,
        ge=1,
        le=43_200,
        description="Within so many minutes a lead should get its first answer: figures go by it.",
        examples=[30],
    )


class Reviews(Input):
    """How customers are asked for a review."""

    cooldown_days: int = Field(
        90, ge=0, le=3650, description="So long nobody is asked again, days; 0: at any time.", examples=[180]
    )
    link_days: int = Field(
        30, ge=1, le=365, description="So long the link of the mail is good, days.", examples=[14]
    )
    ask_after_h: int | None = Field(
        None,
        ge=0,
        le=2160,
        description="So long after a job is done its customer is asked by itself, hours; null: never.",
        examples=[24],
    )
    publish_at: Annotated[str, Field(max_length=500, pattern=r"^https://[^\s]+$")] | None = Field(
        None,
        description="Where you would like it to be said too; shown to everybody who has answered, whatever they said.",
        examples=["https://example.org/reviews"],
    )


class Geocoding(Input):
    """Who outside is asked where an address lies: a service that speaks as Nominatim does. Nobody, unless it is set."""

    base_url: Annotated[str, Field(max_length=500, pattern=r"^https?://[^\s]+$")] | None = Field(
        None, description="Its `/search` is asked.", examples=["https://nominatim.example.org"]
    )
    contact: Sender | None = Field(
        None,
        description="Who of you answers for the questions: it is sent along.",
        examples=["it@example.org"],
    )
    every_s: float = Field(
        1.0,
        ge=0,
        le=60,
        allow_inf_nan=False,
        description="From one question to the next, seconds; a public server asks for 1 at least.",
        examples=[1.0],
    )


class Transcription(Input):
    """Who writes down what was said in calls: a service that speaks as OpenAI's does. Nobody, unless it is set."""

    base_url: Annotated[str, Field(max_length=500, pattern=r"^https?://[^\s]+$")] | None = Field(
        None, description="Its `/audio/transcriptions` is asked.", examples=["https://speech.example.org/v1"]
    )
    api_key: Annotated[str, Field(min_length=1, max_length=500)] | None = Field(
        None, description="Left out for a service of your own that asks for none.", examples=["a key"]
    )
    model: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\s\x00]+$")] = Field(
        "whisper-1", description="By the name that the service gives it.", examples=["whisper-1"]
    )
    language: Annotated[str, Field(pattern="^[a-z]{2}$")] | None = Field(
        None, description="ISO 639-1; the service finds out unless said.", examples=["de"]
    )


class CategoryMeta(Meta):
    category: str = Field(examples=["email"])
    scope: Literal["tenant", "user"] = Field(description="Whose they are.")
    updated_at: datetime | None = Field(description="Null while all are defaults.")


class SettingsMeta(Meta):
    etags: dict[str, str] = Field(
        description="The ETag of each category by itself.", examples=[{"general": '"2f1"'}]
    )


class MailTest(BaseModel):
    user_id: UUID | None = Field(None, description="A member of the tenant; the caller unless said.")


class MailTested(Output):
    """The mail was taken. What becomes of it after that is the server's business."""

    transport: Literal["smtp", "outbox"] = Field(
        description="`outbox`: no server is set, so it was written to a file of this installation."
    )
    to: str = Field(examples=["olga@example.org"])
    sent_from: str = Field(examples=["office@example.org"])
    message_id: str = Field(examples=["<0192.1@example.org>"])
