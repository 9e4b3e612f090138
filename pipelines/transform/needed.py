"""Which models an increment must build: those that something new reaches, and no views.

Models are functions of what has landed and of nothing else (no clock, no random numbers), so a table that nothing new
reaches is what building it again would give. A view needs no building at all; its tests look at new rows, so they run.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from pipelines.progress import say

LANDING = "source.throughline.landing."
PREDICTED = "predicted"


@dataclass(frozen=True)
class Needed:
    """Names of models and tests to run, of all others, and the ids of this half's models that stay as they are."""

    names: tuple[str, ...]
    others: tuple[str, ...]
    kept: frozenset[str]

    @property
    def selection(self) -> list[str]:
        """For dbt, by the shorter list: it compares every name with every node, 4 ms a name."""
        chosen = (
            ["--exclude", *self.others] if len(self.others) < len(self.names) else ["--select", *self.names]
        )
        return [*chosen, "--indirect-selection", "empty"]


def needed(manifest: Mapping[str, Any], changed: Collection[str]) -> Needed:
    """What to build after news in these landing tables; ``tag:predicted`` belongs to the other half."""
    reached = _descendants(manifest, [LANDING + table for table in changed])
    nodes = manifest["nodes"]
    half = {
        key: node
        for key, node in nodes.items()
        if node["resource_type"] == "model" and PREDICTED not in node["tags"]
    }
    models = {
        key
        for key, node in half.items()
        if key in reached and node["config"]["materialized"] not in ("view", "ephemeral")
    }
    tests = [
        node["name"]
        for node in nodes.values()
        if node["resource_type"] == "test" and _touches(node["depends_on"]["nodes"], half, reached)
    ]
    names = [nodes[key]["name"] for key in models]
    say(f"dbt: {len(models)} of {len(half)} models to build, {len(tests)} tests")
    chosen = {*names, *tests}
    others = {node["name"] for node in nodes.values()} - chosen
    return Needed(tuple(sorted(chosen)), tuple(sorted(others)), frozenset(half.keys() - models))


def identity(manifest: Mapping[str, Any]) -> str:
    """Names all that decides what the tables look like: code and configuration of models, code of macros."""
    digest = blake2b(digest_size=16)
    for key, node in sorted(manifest["nodes"].items()):
        if node["resource_type"] != "test":
            digest.update(repr((key, node.get("raw_code"), sorted(node["config"].items(), key=str))).encode())
    for key, macro in sorted(manifest["macros"].items()):
        digest.update(repr((key, macro["macro_sql"])).encode())
    return digest.hexdigest()


def _descendants(manifest: Mapping[str, Any], start: Iterable[str]) -> set[str]:
    found: set[str] = set()
    queue = list(start)
    while queue:
        for child in manifest["child_map"].get(queue.pop(), ()):
            if child not in found:
                found.add(child)
                queue.append(child)
    return found


def _touches(parents: Collection[str], half: Collection[str], reached: Collection[str]) -> bool:
    """Whether a test looks at something new, and only at models of this half."""
    models = [parent for parent in parents if parent.startswith("model.")]
    return all(model in half for model in models) and any(parent in reached for parent in parents)
