"""Names of answers. A release never changes, so release, tenant, route, parameters and format name one exactly."""

from __future__ import annotations

from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, version
from uuid import UUID


def _program() -> str:
    try:
        return version("throughline")
    except PackageNotFoundError:
        return "source"


PROGRAM = _program()  # another version of the program may say the same thing in other words


def answer_etag(release_id: str, tenant_id: UUID, route: str, parameters: bytes, format: str) -> str:
    """A strong ETag. ``parameters`` are normalised: defaults filled in, names in the model's order."""
    digest = blake2b(digest_size=16)
    for part in (PROGRAM, release_id, str(tenant_id), route, format):
        digest.update(part.encode() + b"\0")
    digest.update(parameters)
    return f'"{digest.hexdigest()}"'


def matches(if_none_match: str | None, etag: str) -> bool:
    """Whether the client already has the answer (weak comparison; ``*`` names no answer that could be had)."""
    if if_none_match is None:
        return False
    return etag in [word.strip().removeprefix("W/") for word in if_none_match.split(",")]


def content_etag(content: bytes) -> str:
    """The ETag of bytes that are at hand anyway."""
    return f'"{blake2b(content, digest_size=16).hexdigest()}"'
