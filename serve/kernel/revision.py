"""The newest revision of the schema that this code knows, without the library that runs migrations (11 MB)."""

from __future__ import annotations

from pathlib import Path


def newest() -> str:
    """By the names of the migrations: ``0002_kernel.py`` is revision 0002."""
    names = (path.stem for path in Path(__file__).with_name("migrations").glob("versions/[0-9]*.py"))
    return max(name.partition("_")[0] for name in names)
