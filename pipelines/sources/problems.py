"""What is wrong with a file, said so that a person can put it right."""

from __future__ import annotations

from pathlib import Path


class SourceFileError(ValueError):
    """A file that is not taken, as a whole: what is the matter, where, and what to do about it."""

    def __init__(self, file: Path, problem: str, hint: str) -> None:
        super().__init__(f"{file.name}: {problem}. {hint[:1].upper()}{hint[1:]}")
        self.file, self.problem, self.hint = file, problem, hint
