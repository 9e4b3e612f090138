"""The security page as a paper, for whoever asks a firm for proof: under its letterhead, with the date."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from serve.identity.branding.brand import Brand
from serve.identity.branding.papers import pdf


async def paper(page: Mapping[str, Any], isolation: Mapping[str, Any], brand: Brand) -> bytes:
    """As PDF; the same page and report give the same bytes."""
    made_at: datetime = page["looked_at"]
    return await pdf("security", words(page, isolation), brand, made_at=made_at.replace(microsecond=0))


def words(page: Mapping[str, Any], isolation: Mapping[str, Any]) -> dict[str, Any]:
    """What stands on it, as plain text."""
    failed = [each for each in page["checks"] if each["verdict"] == "failed"]
    unknown = sum(each["verdict"] == "unknown" for each in page["checks"])
    activity = page["activity"]
    score = "not known" if page["score"] is None else f"{page['score']} of 100"
    return {
        "title": "Security report",
        "facts": [
            f"Looked at on {page['looked_at']:%d %B %Y, %H:%M} UTC. Score: {score}."
            f" Worst finding: {page['security_level']}.",
            f"Of {len(page['checks'])} checks {len(failed)} failed, and {unknown} cannot be known yet."
            f" The score is {page['score_formula']}.",
            f"In the last 30 days {activity['came_in_count']} attempts to come in succeeded and"
            f" {activity['failed_count']} failed; {len(page['threats'])} threats wait for somebody.",
        ],
        "failed": [[each["severity"], each["title"], _found(each), each["to_do"]] for each in failed],
        "isolation": _isolation(isolation),
        "controls": [
            [
                each["standard"],
                each["number"],
                each["title"],
                each["state"].replace("_", " "),
                _evidence(each),
            ]
            for each in page["compliance"]
        ],
    }


def _found(check: Mapping[str, Any]) -> str:
    if not check["ids"]:
        return str(check["said"])
    return f"{check['count']} of {check['of']}: {check['said']}"


def _isolation(report: Mapping[str, Any]) -> list[str]:
    tables, routes, last = report["row"]["tables"], report["routes"], report["last_check"]
    forced = sum(each["is_forced"] for each in tables)
    tried = (
        f"Tried on {last['finished_at']:%d %B %Y}: {last['outcome']}; {last['held_count']} attempts were refused,"
        f" {last['broken_count']} crossed, {last['not_tried_count']} found nothing to be tried on."
        if last
        else "Nobody has tried yet to cross."
    )
    return [
        f"Row security is forced on {forced} of {len(tables)} tables; the others are out of reach for requests,"
        f" each for a reviewed reason. Shortcomings: {report['shortcoming_count']}.",
        f"{routes['proved_count']} of {routes['route_count']} operations were asked on {routes['proved_at'][:10]}"
        f" for other tenants' rows and gave none; {len(routes['not_asked'])} were asked only who may call them,"
        f" {len(routes['broken'])} broke a promise and {len(routes['unproved'])} came later.",
        tried,
    ]


def _evidence(control: Mapping[str, Any]) -> str:
    parts = [f"{each['title']}: {each['verdict']}" for each in control["evidence"]]
    if control["document"]:
        parts.append(control["document"])
    if word := control["attestation"]:
        parts.append(f"{word['statement']} (until {word['valid_until']})")
    return "; ".join(parts)
