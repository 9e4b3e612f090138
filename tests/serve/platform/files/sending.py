"""Words of the tests of files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx

FILES = "/api/v1/files"
BOUNDARY = "edge"
KIND = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}


def send(client: httpx.Client, name: str, content: bytes, *, path: str = "", **fields: str) -> httpx.Response:
    return client.post(f"{FILES}{path}", files={"file": (name, content)}, data=fields)


def sent(client: httpx.Client, name: str, content: bytes, **fields: str) -> dict[str, Any]:
    response = send(client, name, content, **fields)
    assert response.status_code == 201, response.text
    row: dict[str, Any] = response.json()["data"]
    return row


def part(name: str, content: bytes, *, file: str | None = None, more: str = "") -> bytes:
    """As it is, with whatever is in the name."""
    filename = "" if file is None else f'; filename="{file}"'
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{filename}\r\n{more}\r\n'
    return head.encode() + content + b"\r\n"


END = f"--{BOUNDARY}--\r\n".encode()


def error(response: httpx.Response, status: int, code: str) -> list[tuple[str, str]]:
    """What is wrong, by field."""
    assert response.status_code == status, response.text
    said = response.json()["error"]
    assert said["code"] == code, said
    return [(detail["field"], detail["message"]) for detail in said["details"]]


def everything_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
