"""Controls of three standards, with what gives evidence for each here: checks of the posture, a document, or a person.

Only what has real evidence is listed; it is no complete catalogue of any of them. A check that fails makes its control
fail whatever a person says. Where a person is needed, their word counts until the day they have named.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from serve.identity.security.posture import Check, Found

Framework = Literal["asvs", "iso27001", "soc2"]
State = Literal["passed", "failed", "needs_person", "not_applicable", "unknown"]

NAMES: Mapping[Framework, str] = {
    "asvs": "OWASP ASVS 5.0.0",
    "iso27001": "ISO/IEC 27001:2022, Annex A",
    "soc2": "SOC 2, Trust Services Criteria 2017",
}
_GUIDE = "docs/guides/identity.md"


@dataclass(frozen=True, slots=True)
class Control:
    """``needs_person``: what the checks show is not all of it."""

    number: str
    framework: Framework
    title: str
    checks: tuple[str, ...] = ()
    document: str | None = None
    needs_person: bool = False


CONTROLS: tuple[Control, ...] = (
    Control("V3.3.1", "asvs", "Cookies are sent over HTTPS only", ("installation.cookies",)),
    Control("V6.3.3", "asvs", "A second factor is used", ("second_factor.leaders", "second_factor.demanded")),
    Control("V7.1.1", "asvs", "Ends of sessions are documented", document=_GUIDE, needs_person=True),
    Control("V7.3.1", "asvs", "Unused sessions end", ("sessions.idle",)),
    Control("V7.3.2", "asvs", "Every session ends", ("sessions.longest",)),
    Control("V8.4.1", "asvs", "Tenants cannot affect each other", ("isolation.holds", "isolation.recent")),
    Control("V16.4.2", "asvs", "Logs cannot be modified", ("audit.seals",)),
    Control("A.5.15", "iso27001", "Access control", document=_GUIDE, needs_person=True),
    Control("A.5.16", "iso27001", "Identity management", ("people.dormant",)),
    Control(
        "A.5.17", "iso27001", "Authentication information", ("passwords.length", "second_factor.leaders")
    ),
    Control("A.5.18", "iso27001", "Access rights are reviewed", ("people.leaders",), needs_person=True),
    Control("A.8.2", "iso27001", "Privileged access rights", ("people.leaders", "api_keys.broad")),
    Control("A.8.5", "iso27001", "Secure authentication", ("second_factor.leaders", "sessions.idle")),
    Control("A.8.15", "iso27001", "Logging", ("audit.seals",)),
    Control("A.8.16", "iso27001", "Monitoring activities", ("log_in.threats",)),
    Control("CC6.1", "soc2", "Logical access is restricted", ("isolation.holds", "second_factor.leaders")),
    Control("CC6.2", "soc2", "Access ends with its reason", ("people.dormant", "api_keys.stale")),
    Control("CC6.3", "soc2", "Least privilege", ("people.leaders", "api_keys.broad"), needs_person=True),
    Control("CC6.6", "soc2", "Threats from outside", ("installation.cookies", "installation.limits")),
    Control("CC7.2", "soc2", "Anomalies are monitored", ("log_in.threats", "audit.seals")),
)
NUMBERS = frozenset(control.number for control in CONTROLS)


def check_number(number: str) -> str:
    """Raises ValueError."""
    if number not in NUMBERS:
        raise ValueError(f"is no control that is listed here; there are {', '.join(sorted(NUMBERS))}")
    return number


def judged(
    control: Control,
    found: Mapping[str, Found],
    attestation: Mapping[str, Any] | None,
    today: date,
) -> State:
    """What a control is today: failed where a check fails, whoever says otherwise."""
    verdicts = [found[name].verdict for name in control.checks]
    valid = attestation is not None and attestation["valid_until"] >= today
    said = attestation["verdict"] if attestation is not None and valid else None
    if "failed" in verdicts or said == "not_met":
        return "failed"
    if said == "not_applicable":
        return "not_applicable"
    if said == "met":
        return "passed"
    if control.needs_person:
        return "needs_person"
    return "unknown" if "unknown" in verdicts else "passed"


def checklist(
    found: Iterable[tuple[Check, Found]],
    attestations: Mapping[str, Mapping[str, Any]],
    today: date,
    framework: Framework | None,
) -> list[dict[str, Any]]:
    """Every control (of one standard) with its state and its evidence; ``attestations`` are the newest by number."""
    by_name = {check.name: each for check, each in found}
    titles = {check.name: check.title for check, _ in found}
    return [
        {
            "number": control.number,
            "framework": control.framework,
            "standard": NAMES[control.framework],
            "title": control.title,
            "state": judged(control, by_name, attestations.get(control.number), today),
            "evidence": [
                {
                    "check": name,
                    "title": titles[name],
                    "verdict": by_name[name].verdict,
                    "said": by_name[name].said,
                }
                for name in control.checks
            ],
            "document": control.document,
            "needs_person": control.needs_person,
            "attestation": attestations.get(control.number),
            "looked_on": today,
        }
        for control in CONTROLS
        if framework in (None, control.framework)
    ]
