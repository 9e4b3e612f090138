"""What the security page answers, and what people write beside it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field

from serve.identity.security.controls import Framework, State, check_number
from serve.identity.security.posture import FORMULA, Feature, Severity, Verdict
from serve.identity.security.threats import Kind
from serve.identity.security.threats import Severity as ThreatSeverity
from serve.kernel.envelope import Day, Input, Output
from serve.kernel.resources.schemas import Fields, Line, Record


def _split(asked: Any) -> Any:
    """``a,b`` is ``a`` and ``b``, whether sent once or as two parameters."""
    words = asked if isinstance(asked, list) else [asked]
    return [part.strip() for word in words for part in (word.split(",") if isinstance(word, str) else [word])]


class PostureQuery(BaseModel):
    security_level: Severity | None = Field(None, description="Only checks that weigh so much or more.")
    features: Annotated[list[Feature], BeforeValidator(_split), Field(max_length=20)] | None = Field(
        None, description="Only checks of these; several with commas."
    )
    compliance: Framework | None = Field(None, description="Only controls of this standard.")


class CheckFound(Output):
    name: str = Field(examples=["api_keys.unending"])
    feature: Feature = Field(examples=["api_keys"])
    severity: Severity = Field(examples=["medium"])
    title: str = Field(description="What should be so.", examples=["Every key has an end"])
    verdict: Verdict = Field(description="`unknown` while nobody can know.", examples=["failed"])
    said: str = Field(description="What was found.", examples=["keys have no end"])
    count: int | None = Field(description="How many, or how much.", examples=[2])
    of: int | None = Field(description="Of how many, or how much is asked.", examples=[5])
    ids: list[UUID] = Field(description="Some of them: people, keys, threats.")
    to_do: str | None = Field(
        description="Null when nothing is.", examples=["Give them an end, or make new ones."]
    )
    call: str | None = Field(description="What does it.", examples=["PUT /api/v1/auth/api-keys/{id}"])


class OfDay(Output):
    day: date
    count: int = Field(examples=[3])


class OfMethod(Output):
    method: str = Field(description="How people proved who they are.", examples=["password"])
    count: int = Field(examples=[120])


class Activity(Output):
    """The last 30 days."""

    came_in_count: int = Field(examples=[120])
    failed_count: int = Field(examples=[7])
    failed_by_day: list[OfDay]
    by_method: list[OfMethod]
    sso_share: float | None = Field(
        description="Of those who came in, by another house's log-in, 0 to 1; null when nobody did.",
        examples=[0.0],
    )
    elevation_count: int = Field(description="How often somebody took more power for a while.", examples=[1])
    impersonation_count: int = Field(description="How often somebody looked with other eyes.", examples=[0])


class Evidence(Output):
    check: str = Field(examples=["sessions.idle"])
    title: str = Field(examples=["A session ends that is unused for 72 hours"])
    verdict: Verdict
    said: str = Field(examples=["a session unused for 24 hours ends"])


class Attested(Output):
    id: UUID
    verdict: Literal["met", "not_met", "not_applicable"] = Field(examples=["met"])
    statement: str = Field(examples=["Reviewed with the heads of all departments."])
    user_id: UUID = Field(description="Who says so.")
    attested_at: datetime
    valid_until: date


class ControlRead(Output):
    number: str = Field(examples=["V7.3.1"])
    framework: Framework = Field(examples=["asvs"])
    standard: str = Field(examples=["OWASP ASVS 5.0.0"])
    title: str = Field(examples=["Unused sessions end"])
    state: State = Field(examples=["passed"])
    evidence: list[Evidence] = Field(description="Checks that show it, as they came out just now.")
    document: str | None = Field(
        description="Where it is written down.", examples=["docs/guides/identity.md"]
    )
    needs_person: bool = Field(description="Checks do not show all of it.")
    attestation: Attested | None = Field(
        description="The newest word of a person; it counts until `valid_until`."
    )
    looked_on: date


class Counts(Output):
    critical: int = Field(examples=[0])
    high: int = Field(examples=[1])
    medium: int = Field(examples=[2])
    low: int = Field(examples=[2])


class PostureRead(Output):
    """How safe the tenant is set up, computed from settings and rows at this moment."""

    security_level: Severity | Literal["good"] = Field(
        description="The worst of what failed; `good` when nothing did.", examples=["high"]
    )
    score: int | None = Field(description=f"{FORMULA}. Null when nothing is known.", examples=[72])
    score_formula: str = Field(examples=[FORMULA])
    failed: Counts = Field(description="Checks that failed, by severity.")
    checks: list[CheckFound] = Field(description="The worst first.")
    activity: Activity
    threats: list[ThreatRead] = Field(description="The newest that nobody has dealt with.")
    compliance: list[ControlRead]
    looked_at: datetime


class ThreatFields(Input):
    """Nobody writes a threat: it is seen."""


class ThreatEvidence(Output):
    """What was seen; each kind of threat has some of it."""

    countries: list[str] | None = Field(None, description="ISO 3166 codes.", examples=[["DE", "US"]])
    known_countries: list[str] | None = Field(None, examples=[None])
    distance_km: int | None = Field(None, description="Between the countries, at the least.", examples=[3318])
    minutes: int | None = Field(None, description="Between the two sign-ins.", examples=[25])
    failed_count: int | None = Field(None, examples=[None])
    address_count: int | None = Field(None, examples=[None])
    account_count: int | None = Field(None, examples=[None])
    address: str | None = Field(None, examples=[None])
    somebody_came_in_after: bool | None = Field(None, examples=[None])


class ThreatRead(Record):
    """What looked like an attack, once."""

    kind: Kind = Field(examples=["impossible_travel"])
    severity: ThreatSeverity = Field(examples=["high"])
    user_id: UUID | None = Field(None, description="Whose account; empty when many were tried.")
    first_at: datetime
    last_at: datetime
    evidence: ThreatEvidence
    acknowledged_at: datetime | None = Field(None, description="When somebody dealt with it.")
    acknowledged_by: UUID | None = None


class AttestationFields(Fields):
    control: Annotated[Line, AfterValidator(check_number)] = Field(
        max_length=20,
        description="Its number; `GET /api/v1/b2b/advanced-security` lists them.",
        examples=["A.5.18"],
    )
    verdict: Literal["met", "not_met", "not_applicable"] = Field(examples=["met"])
    statement: Line = Field(
        min_length=1, max_length=2000, examples=["Reviewed with the heads of all departments."]
    )
    evidence: Line | None = Field(
        None, max_length=500, description="Where it can be seen.", examples=["Minutes of 12 November"]
    )
    valid_until: Day = Field(description="The last day on which your word counts.", examples=["2027-11-30"])


class AttestationRead(Record):
    """A person's word about a control."""

    external_id: str | None = Field(None, examples=["review-2026"])
    control: str = Field(examples=["A.5.18"])
    verdict: Literal["met", "not_met", "not_applicable"] = Field(examples=["met"])
    statement: str = Field(examples=["Reviewed with the heads of all departments."])
    evidence: str | None = Field(None, examples=["Minutes of 12 November"])
    valid_until: date
    user_id: UUID = Field(description="Who says so.")


PostureRead.model_rebuild()
