"""Our document in the words of OpenAPI 3.0, because the Swagger UI that comes as a package reads no 3.1."""

from __future__ import annotations

from typing import Any


def as_3_0(document: dict[str, Any]) -> dict[str, Any]:
    """The same document for reading by Swagger UI 4; programs should read the 3.1 one."""
    older: dict[str, Any] = _walk(document)
    older["openapi"] = "3.0.3"
    older["info"].pop("summary", None)  # new in 3.1
    return older


def _walk(node: Any) -> Any:
    if isinstance(node, list):
        return [_walk(item) for item in node]
    if not isinstance(node, dict):
        return node
    walked = {key: value if key == "example" else _walk(value) for key, value in node.items()}
    return _schema(walked)


def _schema(node: dict[str, Any]) -> dict[str, Any]:
    """What the two versions say differently; on anything but a schema it changes nothing."""
    choices = node.get("anyOf")
    if isinstance(choices, list) and {"type": "null"} in choices:
        rest = [choice for choice in choices if choice != {"type": "null"}]
        others = {key: value for key, value in node.items() if key != "anyOf"}
        node = {**(rest[0] if len(rest) == 1 else {"anyOf": rest}), **others, "nullable": True}
    if "const" in node:
        node["enum"] = [node.pop("const")]
    if isinstance(node.get("examples"), list):
        examples = node.pop("examples")
        node.setdefault("example", examples[0] if examples else None)
    return node
