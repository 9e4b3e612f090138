"""What clients write and read about looks."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, EmailStr, Field, model_validator

from serve.identity.branding.errors import ScriptRefused
from serve.identity.branding.scripts import scripts_in
from serve.kernel.envelope import Input, Meta, Output
from serve.platform.flags.schemas import KEY

SLUG = r"^[a-z0-9][a-z0-9_-]{0,99}$"
MOST_CSS = 20_000
_PLAIN = r"^[^\x00-\x1f\x7f-\x9f<>{}\\\u200b-\u200f\u2028-\u202f\u2060-\u2069\ufeff]+$"

Colour = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")]
Plain = Annotated[str, Field(min_length=1, max_length=200, pattern=_PLAIN)]
Font = Literal["system", "humanist", "geometric", "serif", "slab", "mono"]
Spacing = Literal["compact", "normal", "roomy"]
Theme = Literal["system", "light", "dark"]


class Palette(Input):
    """Colours of one scheme; what is not said is ours. What follows from them is made of them."""

    ground: Colour | None = Field(None, description="Behind everything.", examples=["#f4f5f8"])
    surface: Colour | None = Field(None, description="Of cards and panels.", examples=["#ffffff"])
    ink: Colour | None = Field(None, description="Of text.", examples=["#151b26"])
    muted: Colour | None = Field(None, description="Of text that matters less.", examples=["#566072"])
    accent: Colour | None = Field(None, description="Of buttons and links.", examples=["#0f5c4d"])
    accent_ink: Colour | None = Field(None, description="Of text on the accent.", examples=["#ffffff"])

    @property
    def chosen(self) -> dict[str, str]:
        return {name: value.lower() for name, value in self if value is not None}


class Branding(Input):
    """Who speaks: name, pictures, colours, and what stands at the foot of pages, mails and papers."""

    product_name: Annotated[Plain, Field(max_length=60)] | None = Field(
        None, description="In the place of ours.", examples=["Example Desk"]
    )
    logo_id: UUID | None = Field(
        None, description="One of the client's own files: PNG, JPEG, GIF or WebP.", examples=[None]
    )
    favicon_id: UUID | None = Field(None, description="Another one, square.", examples=[None])
    support_address: Annotated[EmailStr, Field(max_length=254)] | None = Field(
        None, description="Whom people ask for help.", examples=["help@example.org"]
    )
    legal_lines: Annotated[list[Plain], Field(max_length=4)] = Field(
        [], description="At the foot.", examples=[["Example Desk GmbH, Bremen", "HRB 12345"]]
    )
    light: Palette = Field(default_factory=Palette, examples=[{"accent": "#0f5c4d"}])
    dark: Palette = Field(default_factory=Palette, examples=[{"accent": "#7fd8c4"}])


class Customization(Input):
    """How it looks beyond that."""

    theme: Theme = Field("system", description="`system`: as each person's own device says.")
    font: Font = Field("system", description="A stack of fonts that devices have.")
    radius_px: int = Field(10, ge=0, le=24, description="Of corners.", examples=[10])
    spacing: Spacing = Field("normal", examples=["normal"])
    custom_css: Annotated[str, Field(max_length=MOST_CSS)] | None = Field(
        None,
        description="Rules for our classes, with properties, units and colour tokens of a list; what is not on it is"
        " refused with its line and column.",
        examples=[".panel { border-width: 2px; border-color: var(--accent) }"],
    )


Feature = Annotated[str, Field(pattern=KEY)]


class Look(Input):
    """Everything of a version."""

    branding: Branding = Field(default_factory=Branding)
    customization: Customization = Field(default_factory=Customization)
    features: Annotated[list[Feature], Field(max_length=100)] = Field(
        [],
        description="Flags that are on for everybody of the client. One that is taken out is off.",
        examples=[["new-checkout"]],
    )

    @model_validator(mode="before")
    @classmethod
    def _has_no_scripts(cls, sent: Any) -> Any:
        if found := list(scripts_in(sent)):
            raise ScriptRefused(details=found)
        return sent


ABOUT_CLIENT = "Id or short name (slug) of the client: your own company unless said, or one of its children."
CLIENT = Field(None, max_length=100, description=ABOUT_CLIENT, examples=[None])
NOTE = Field(None, description="Why, for those who look at the versions.", examples=["Colours of spring"])


class LookInput(Look):
    client_id: str | None = CLIENT
    note: Plain | None = NOTE
    publish: bool = Field(True, description="False keeps it as a draft that nobody else sees.")


class DraftInput(Look):
    """A look that is shown and not kept."""

    client_id: str | None = CLIENT


class NoteInput(Input):
    client_id: str | None = CLIENT
    note: Plain | None = NOTE


class ClientQuery(BaseModel):
    client_id: str | None = Field(None, max_length=100, description=ABOUT_CLIENT)


class ThemeQuery(BaseModel):
    v: str | None = Field(
        None, max_length=64, description="Of the address that the look names; kept for a year."
    )


class LookMeta(Meta):
    client_id: UUID
    slug: str = Field(examples=["example-fleet"])


class LookRead(Output):
    """How a client looks now, and what there is beside it."""

    version: int | None = Field(description="The published one; null: the look that is ours.", examples=[3])
    newest_version: int | None = Field(description="A draft, if it is another one.", examples=[4])
    published_at: datetime | None
    branding: Branding
    customization: Customization
    features: list[str] = Field(
        description="Those that are on for everybody, as the flags have it.", examples=[["new-checkout"]]
    )
    stylesheet_url: str = Field(examples=["/api/v1/b2b/white-label/example-fleet/theme.css?v=0f3a"])


class VersionSummary(Output):
    number: int = Field(examples=[3])
    is_published: bool
    published_at: datetime | None = Field(description="When it last was.")
    note: str | None = Field(examples=["Colours of spring"])
    made_by: UUID | None = Field(description="The person.")
    restored_from: int | None = Field(description="The version that it repeats.", examples=[None])
    created_at: datetime


class VersionRead(VersionSummary):
    branding: Branding
    customization: Customization
    features: list[str] = Field(examples=[["new-checkout"]])


class Tokens(Output):
    """Every colour of one scheme."""

    ground: str = Field(examples=["#f4f5f8"])
    surface: str = Field(examples=["#ffffff"])
    sunken: str = Field(examples=["#eef0f4"])
    ink: str = Field(examples=["#151b26"])
    muted: str = Field(examples=["#566072"])
    hairline: str = Field(examples=["#dfe3ea"])
    accent: str = Field(examples=["#1d4ed8"])
    accent_ink: str = Field(examples=["#ffffff"])
    accent_soft: str = Field(examples=["#dbe6ff"])


class PublicLook(Output):
    """What everybody may know: the sign-in page needs it. A name that nobody has looks like ours."""

    product_name: str = Field(examples=["Example Desk"])
    theme: Theme
    light: Tokens
    dark: Tokens
    font_stack: str = Field(examples=["system-ui, sans-serif"])
    radius_px: int = Field(examples=[10])
    spacing: Spacing
    stylesheet_url: str = Field(examples=["/api/v1/b2b/white-label/example-fleet/theme.css?v=0f3a"])
    logo_url: str | None = Field(examples=[None])
    favicon_url: str | None = Field(examples=[None])
    support_address: str | None = Field(examples=["help@example.org"])
    legal_lines: list[str] = Field(examples=[["Example Desk GmbH, Bremen"]])
