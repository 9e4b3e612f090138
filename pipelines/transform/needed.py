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
    """Names of models and tests to run, of all others, and the ids of this half's models and tests that need no run."""

    names: tuple[str, ...]
    others: tuple[str, ...]
    kept: frozenset[str]
    kept_tests: frozenset[str]

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
    all_tests = {key for key, node in nodes.items() if node["resource_type"] == "test"}
    half_tests = {key for key in all_tests if _is_of(nodes[key]["depends_on"]["nodes"], half)}
    run_tests = {key for key in half_tests if reached.intersection(nodes[key]["depends_on"]["nodes"])}
    tests = [nodes[key]["name"] for key in run_tests]
    names = [nodes[key]["name"] for key in models]
    say(f"dbt: {len(models)} of {len(half)} models to build, {len(tests)} tests")
    chosen = {*names, *tests}
    others = {node["name"] for node in nodes.values()} - chosen
    return Needed(
        tuple(sorted(chosen)),
        tuple(sorted(others)),
        frozenset(half.keys() - models),
        frozenset(half_tests - run_tests),
    )


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


def _is_of(parents: Collection[str], half: Collection[str]) -> bool:
    """Whether a test looks only at models of this half."""
    return all(parent in half for parent in parents if parent.startswith("model."))
