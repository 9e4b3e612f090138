"""Write ``docs/api/errors.md``: ``python -m serve.platform.docs.errors``."""

from __future__ import annotations

from pathlib import Path

from serve.kernel.catalogue import as_markdown

PAGE = Path(__file__).parents[3] / "docs" / "api" / "errors.md"

if __name__ == "__main__":
    import serve.app  # noqa: F401 - so that every failure there is has been declared

    PAGE.write_text(as_markdown())
