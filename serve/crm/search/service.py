"""Asking every list that the caller may read, and putting the answers in one order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain, islice
from typing import Any, NamedTuple

import orjson

from serve.crm.people import duplicates
from serve.crm.search import notes
from serve.crm.search.rules import MOST_WORDS, is_number, likely, plainly, rank, slips, words_of
from serve.crm.search.targets import TARGETS, Target
from serve.kernel.db import Reads, guarded
from serve.kernel.errors import Invalid
from serve.kernel.resources.filters import ListQuery

MOST_OF_A_KIND = 50
MOST_TERMS = 4000
"""Slips that are looked up: of eight words of seven letters, or of two of thirty."""
KINDS = (*TARGETS, notes.KIND)
IN_USE = guarded("select term from terms_in_use($2) term where g.tenants is not null")


class Wanted(ListQuery):
    """A list by a text search query of ours."""

    matching: str


class Found(NamedTuple):
    hits: list[dict[str, Any]]
    is_corrected: bool
    kinds: list[str]


async def search(db: Reads, question: str, kinds: Iterable[str] | None) -> Found:
    """What answers best first. Raises Invalid for kinds that there are not, and for a question without a word."""
    if unknown := sorted(set(kinds or ()) - {*KINDS}):
        said = f"{', '.join(unknown)} names nothing; there are: {', '.join(KINDS)}"
        raise Invalid(details=[("kinds", said)])
    words = list(dict.fromkeys(words_of(question)))[:MOST_WORDS]
    if not words:
        raise Invalid(details=[("q", "has no word in it")])
    looked_at = [
        kind
        for kind, target in TARGETS.items()
        if (kinds is None or kind in kinds) and target.resource.reading in db.caller.permissions
    ]
    if (kinds is None or notes.KIND in kinds) and notes.readable(db.caller.permissions):
        looked_at.append(notes.KIND)
    hits = await _by_number(db, question, looked_at)
    hits |= await _asked(db, looked_at, words, plainly(question, words))
    meant = {} if hits else slips(words)
    matching = likely(meant, await _in_use(db, meant.values()))
    if matching is not None:
        hits = await _asked(db, looked_at, words, matching)
    # The better, then the newer: sorting twice keeps the order of the first within the second.
    ordered = sorted(hits.values(), key=lambda hit: (hit["updated_at"], hit["id"]), reverse=True)
    ordered.sort(key=lambda hit: -hit["score"])
    return Found(ordered, matching is not None and bool(hits), looked_at)


async def _asked(
    db: Reads, kinds: Iterable[str], words: list[str], matching: str
) -> dict[tuple[str, str], dict[str, Any]]:
    hits: dict[tuple[str, str], dict[str, Any]] = {}
    wanted = Wanted(matching=matching, limit=MOST_OF_A_KIND, count="none")
    for kind in kinds:
        if kind == notes.KIND:
            hits |= await notes.asked(db, words, matching)
            continue
        target = TARGETS[kind]
        listed = await target.resource.listing.page(db, wanted)
        for row in orjson.loads(listed.data):
            title = target.title_of(row)
            score = rank(words, title, target.texts_of(row))
            if score:
                hits[kind, row["id"]] = _hit(kind, target, row, title, score)
    return hits


async def _in_use(db: Reads, meant: Iterable[Iterable[str]]) -> set[str]:
    """Which slips of the words there are in the caller's tenants at all.

    Hundreds are thought up for each word, and one or two exist. Asked for together with ``or`` they would be looked
    for in each row of a tenant, because the planner takes so long a question for one that most rows answer.
    """
    terms = list(islice(chain.from_iterable(meant), MOST_TERMS))
    return {row["term"] for row in await db.fetch(IN_USE, terms)} if terms else set()


def _hit(kind: str, target: Target, row: Mapping[str, Any], title: str, score: float) -> dict[str, Any]:
    return {
        "kind": kind,
        "id": row["id"],
        "title": title[:200],
        "subtitle": target.subtitle_of(row),
        "score": round(score, 4),
        "href": target.href_of(row),
        "updated_at": row["updated_at"],
    }


async def _by_number(db: Reads, question: str, kinds: Iterable[str]) -> dict[tuple[str, str], dict[str, Any]]:
    """People whose number it is, however it is written."""
    if not is_number(question):
        return {}
    hits = {}
    for found in await duplicates.find(db, "contact", {"phone": question}):
        kind, target = found["kind"], TARGETS[found["kind"]]
        if kind in kinds:
            row = orjson.loads((await target.resource.show(db, found["id"])).data)
            hits[kind, row["id"]] = _hit(kind, target, row, target.title_of(row), 1.0)
    return hits
