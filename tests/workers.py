"""How tests are divided between workers (``pytest -n 2``): a file stays whole, and what takes longest begins first.

Every worker makes its own servers, homes and ports. Files that share what takes minutes to make stay together, so that
it is made once.
"""

from __future__ import annotations

from xdist.scheduler import LoadFileScheduling

UNDISTURBED = ("kills", "damage", "meanwhile", "full_disk")
DEMO = ("metrics", "marts", "features", "described")

LONGEST_FIRST = (
    *(f"tests/faults/test_{name}.py" for name in UNDISTURBED),
    *(f"tests/transforms/test_{name}.py" for name in DEMO),
    "tests/faults/",
    "tests/transforms/test_incremental.py",
    "tests/ml/test_real_sets.py",
    "tests/surface/",
    "tests/sabotage/",
    "tests/browser/",
)
"""Beginnings of paths; whatever is not named comes after them."""

TOGETHER = {
    f"tests/{folder}/test_{name}.py": fixture
    for folder, fixture, names in (("faults", "undisturbed", UNDISTURBED), ("transforms", "demo", DEMO))
    for name in names
}
"""Files by the costly fixture that they share."""


def place(nodeid: str) -> int:
    """Where in the order a test belongs; equal places keep the order they have."""
    return next((at for at, path in enumerate(LONGEST_FIRST) if nodeid.startswith(path)), len(LONGEST_FIRST))


class Files(LoadFileScheduling):
    """A worker takes a whole file, or files of one costly fixture."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return TOGETHER.get(file, file)
