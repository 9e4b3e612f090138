"""What every operation promises, as plain functions: the surface tests call them for every route there is, and the
sabotage tests call them with one guard taken away, to see that they notice.

Each raises AssertionError; none of them changes anything that another one looks at.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import uuid4

import httpx
from jsonschema import Draft202012Validator, FormatChecker

from serve.kernel.permissions import ROLES
from tests.surface.calls import Surface
from tests.surface.operations import DOCUMENT, Call, Operation

REQUEST_ID = "surface-1"
_FORMATS = FormatChecker(["date", "uuid", "email"])


@_FORMATS.checks("date-time", raises=ValueError)
def _is_moment(text: object) -> bool:
    """RFC 3339 in UTC."""
    return not isinstance(text, str) or (text.endswith("Z") and bool(datetime.fromisoformat(text)))


# Who may


def refuses_strangers(surface: Surface, operation: Operation) -> None:
    """Without a token: 401, in the envelope and as problem+json."""
    call = surface.unknown(surface.ready(operation)) if operation.ids else surface.ready(operation)
    problem(operation, surface.send(call, role=None), 401, "UNAUTHENTICATED")
    for token in ("Bearer not.a.token", _forged(surface)):
        forged = surface.send(call, role=None, headers={"authorization": token})
        problem(operation, forged, 401, "UNAUTHENTICATED")
    plain = surface.send(call, role=None, headers={"accept": "application/problem+json"})
    assert plain.headers["content-type"] == "application/problem+json"
    body = plain.json()
    assert body.keys() == {"type", "title", "status", "detail", "errors", "request_id"}
    assert (body["status"], body["title"]) == (401, "UNAUTHENTICATED")
    assert body["request_id"] == plain.headers["x-request-id"] != ""


def refuses_roles_without_the_permission(surface: Surface, operation: Operation) -> None:
    """403 naming the permission, for every role that lacks it, and nothing changes."""
    call = surface.ready(operation)
    before = surface.store.rows_of(surface.firm.a)
    for role, permissions in ROLES.items():
        if operation.permission not in permissions:
            response = surface.send(call, role=role)
            said = problem(operation, response, 403)
            assert operation.permission in said["message"], said
    surface.store.unchanged(surface.firm.a, before)


def refuses_cookies_without_the_header(surface: Surface, operation: Operation) -> None:
    """A change asked with the log-in cookie alone may come from another site: 403."""
    call = surface.ready(operation)
    before = surface.store.rows_of(surface.firm.a)
    token = surface.token(fresh=True).partition(" ")[2]
    response = surface.send(call, role=None, headers={"cookie": f"throughline_access={token}"})
    problem(operation, response, 403, "CSRF")
    surface.store.unchanged(surface.firm.a, before)


# Whose


def hides_other_tenants(surface: Surface, operation: Operation) -> None:
    """A stranger's row is answered like one that is nowhere, to the letter, and stays as it is."""
    firm = surface.firm
    theirs = surface.ready(operation, firm.b)
    before = surface.store.rows_of(firm.b)
    headers = {"x-request-id": REQUEST_ID}
    response = surface.send(theirs, headers=headers)
    nowhere = surface.send(surface.unknown(theirs), headers=headers)
    problem(operation, nowhere, 404)
    assert response.status_code == 404, f"{operation}: {response.status_code} {response.text[:500]}"
    assert response.text == nowhere.text
    surface.store.unchanged(firm.b, before)


def leaves_children_to_themselves(surface: Surface, operation: Operation) -> None:
    """An umbrella may read what its child has; it changes nothing there."""
    firm = surface.firm
    call = surface.ready(operation)
    before = surface.store.rows_of(firm.a)
    problem(operation, surface.send(call, tenant=firm.umbrella), 404)
    surface.store.unchanged(firm.a, before)


def lists_nothing_of_other_tenants(surface: Surface, operation: Operation) -> None:
    """What a stranger made appears nowhere in the answer."""
    firm = surface.firm
    surface.ready(operation, firm.b)
    call = surface.ready(operation)
    text = surface.send(call).text
    theirs = surface.send(call, tenant=firm.b).text
    assert not surface.store.owned(firm.b, ids_in(text))
    assert str(firm.b) not in text
    foreign = surface.store.owned(firm.b, ids_in(theirs))
    assert foreign or not surface.store.owned(firm.a, ids_in(text)), "b has no rows here to hide"


# What is asked


def refuses_malformed_bodies(surface: Surface, operation: Operation) -> None:
    """Not JSON is 400, JSON under another name 415, what is no object 422; nothing changes."""
    call = surface.ready(operation)
    before = surface.store.rows_of(surface.firm.a)
    problem(operation, surface.send(call, content=b'{"a": '), 400, "MALFORMED")
    problem(operation, surface.send(call, content=b"\xff\xfe"), 400, "MALFORMED")
    body = json.dumps(call.json).encode()
    named_otherwise = surface.send(call, content=body, headers={"content-type": "text/plain"})
    problem(operation, named_otherwise, 415, "UNSUPPORTED_MEDIA_TYPE")
    for odd in (b"[]", b'"text"', b"7", *([b"null"] if operation.needs_a_body else [])):
        problem(operation, surface.send(call, content=odd), 422)
    surface.store.unchanged(surface.firm.a, before)


def refuses_extra_properties(surface: Surface, operation: Operation) -> None:
    """A property that would be ignored is an error that names it; so is one of each row of a bulk call."""
    call = surface.ready(operation)
    before = surface.store.rows_of(surface.firm.a)
    extra = json.dumps(call.json | {"no_such_property": 1}).encode()
    names(problem(operation, surface.send(call, content=extra), 422), "no_such_property")
    if isinstance(rows := call.json.get("rows"), list):
        inner = json.dumps({"rows": [row | {"no_such_property": 1} for row in rows]}).encode()
        names(problem(operation, surface.send(call, content=inner), 422), "rows[0].no_such_property")
    surface.store.unchanged(surface.firm.a, before)


def refuses_large_bodies(surface: Surface, operation: Operation) -> None:
    """413, whether the length was declared or not."""
    call = surface.ready(operation)
    size = surface.firm.running.app.state.settings.max_body_bytes
    body = b'{"a": "' + b"x" * size + b'"}'
    problem(operation, surface.send(call, content=body), 413, "BODY_TOO_LARGE")
    in_parts = surface.send(call, content=iter([body[:100], body[100:]]))  # type: ignore[arg-type]
    problem(operation, in_parts, 413, "BODY_TOO_LARGE")


def refuses_unknown_parameters(surface: Surface, operation: Operation) -> None:
    """One that would be ignored, and one given twice."""
    call = surface.ready(operation)
    before = surface.store.rows_of(surface.firm.a)
    for name in ("no_such_parameter", "noSuchParameter"):
        names(problem(operation, surface.send(call, params={name: "1"}), 422), name)
    surface.store.unchanged(surface.firm.a, before)


def refuses_endless_pages(surface: Surface, operation: Operation) -> None:
    """Above the largest page, below the first one, and what is no number."""
    call = surface.ready(operation)
    for name in operation.parameters("query").keys() & {"page", "per_page", "limit", "offset"}:
        for value in ("-1", "many", str(10**12)):
            names(problem(operation, surface.send(call, params={name: value}), 422), name)
    for name in operation.parameters("query").keys() & {"per_page", "limit"}:
        most = _maximum(operation.parameters("query")[name])
        assert most <= 1000, f"{name} has no limit"
        names(problem(operation, surface.send(call, params={name: most + 1}), 422), name)
        assert surface.send(call, params={name: most}).status_code == 200


def does_not_know_unknown_ids(surface: Surface, operation: Operation) -> None:
    """A row that is nowhere is 404; what is no id at all is an error that names the parameter."""
    call = surface.ready(operation)
    problem(operation, surface.send(surface.unknown(call)), 404)
    odd = Call(operation, dict.fromkeys(call.ids, "no-id"), call.params, call.json, call.form)
    said = problem(operation, surface.send(odd), 422)
    assert {detail["field"] for detail in said["details"]} & set(operation.ids)


# What is answered


def answers_as_documented(surface: Surface, operation: Operation) -> None:
    """2xx, and the answer is what the document promises: the schema, nothing beside it, money as integers."""
    response = surface.send(surface.ready(operation))
    assert response.is_success, f"{operation}: {response.status_code} {response.text[:500]}"
    documented = operation.documented["responses"]
    assert str(response.status_code) in documented, f"{operation}: {response.status_code} is not documented"
    assert response.headers["x-request-id"]
    kind = response.headers.get("content-type", "").partition(";")[0]
    content = documented[str(response.status_code)].get("content", {})
    if response.status_code == 204:
        assert response.content == b""
        return
    assert kind in content, f"{operation}: {kind} is not documented"
    if kind == "application/json":
        matches(content[kind]["schema"], response.json())
        money_is_whole(response.json())


def updates_ask_for_the_version(surface: Surface, operation: Operation) -> None:
    """With ``If-Match`` of a version that is gone: 412, and nothing changes."""
    call = surface.ready(operation)
    before = surface.store.rows_of(surface.firm.a)
    response = surface.send(call, headers={"if-match": '"0"'})
    problem(operation, response, 412)
    surface.store.unchanged(surface.firm.a, before)


def repeats_are_one(surface: Surface, operation: Operation) -> None:
    """The same key twice: one effect and one answer; with another body it is refused."""
    call = surface.ready(operation)
    key = {"idempotency-key": f"surface-{operation.name}-{id(call)}"}
    first = surface.send(call, headers=key)
    assert first.is_success, first.text
    before = surface.store.rows_of(surface.firm.a)
    again = surface.send(call, headers=key)
    assert again.headers.get("idempotency-replayed") == "true", f"{operation} was done twice"
    assert (again.status_code, again.content) == (first.status_code, first.content)
    surface.store.unchanged(surface.firm.a, before)


def writes_are_events(surface: Surface, operation: Operation) -> None:
    """Every change of a resource's row is exactly one event of that row."""
    call = surface.ready(operation)
    before = surface.store.newest_event()
    response = surface.send(call)
    assert response.is_success, response.text
    data = response.json()["data"]
    touched = [result["id"] for result in data["results"]] if "results" in data else [data["id"]]
    assert touched
    new = surface.store.events_after(before, surface.firm.a)
    changed = sorted(
        entity_id
        for entity_id, category, name in new
        # A tag that nobody has used before becomes part of the vocabulary, which is an event of the tag.
        if category == "change" and (name != "tag.created" or entity_id in touched)
    )
    assert changed == sorted(touched), f"{operation}: {new}"


def filters_choose(surface: Surface, operation: Operation) -> None:
    """``ids`` gives exactly that row, or none; a total counts what was made a moment ago."""
    call = surface.ready(operation)
    one = surface.send(call, params={"per_page": 1}).json()["data"][0]
    chosen = surface.send(call, params={"ids": one["id"]}).json()
    assert [row["id"] for row in chosen["data"]] == [one["id"]]
    assert chosen["meta"]["total"] == 1
    assert surface.send(call, params={"ids": str(uuid4())}).json()["data"] == []
    before = surface.send(call, params={"per_page": 1}).json()["meta"]["total"]
    surface.ready(operation)  # makes another one
    assert surface.send(call, params={"per_page": 1}).json()["meta"]["total"] == before + 1


# Words of the checks


def problem(operation: Operation, response: httpx.Response, status: int, code: str = "") -> dict[str, Any]:
    """The error of an answer that is exactly such a refusal: the envelope, documented, with a request id."""
    said = f"{operation}: {response.status_code} {response.text[:500]}"
    assert response.status_code == status, said
    assert response.headers["content-type"] == "application/json", said
    body = response.json()
    assert body.keys() == {"success", "error"}, said
    assert body["success"] is False, said
    error: dict[str, Any] = body["error"]
    assert error.keys() == {"code", "message", "details", "request_id"}, said
    assert error["request_id"] == response.headers.get("x-request-id"), said
    assert error["request_id"], said
    assert re.fullmatch("[A-Z][A-Z0-9_]+", error["code"]), said
    assert error["message"], said
    assert not code or error["code"] == code, said
    matches({"$ref": "#/components/schemas/ErrorEnvelope"}, body)
    assert str(status) in operation.documented["responses"], f"{operation} does not document {status}"
    return error


def names(error: dict[str, Any], field: str) -> None:
    assert field in {detail["field"] for detail in error["details"]}, error


def matches(schema: dict[str, Any], value: Any) -> None:
    """The value is what the schema of our document says."""
    whole = {**schema, "components": DOCUMENT["components"]}
    for error in Draft202012Validator(whole, format_checker=_FORMATS).iter_errors(value):
        raise AssertionError(f"{error.json_path}: {error.message[:300]}")


def open_properties(schemas: list[dict[str, Any]]) -> dict[str, set[str]]:
    """Properties that hold a value of any shape, or an object with properties of any name; and in which models."""
    found: dict[str, set[str]] = {}
    named, seen = DOCUMENT["components"]["schemas"], set()
    left = [("", "", schema) for schema in schemas]  # (model, property, schema)
    while left:
        model, place, schema = left.pop()
        if (name := schema.get("$ref", "").rpartition("/")[2]) and name not in seen:
            seen.add(name)
            left.append((name, "", named[name]))
        is_open_object = schema.get("type") == "object" and schema.get("additionalProperties") is not False
        if is_open_object or not schema.keys() & {"type", "$ref", "anyOf"}:
            found.setdefault(place, set()).add(model)
        left += [(model, name, each) for name, each in schema.get("properties", {}).items()]
        parts = [*schema.get("anyOf", ()), schema.get("items"), schema.get("additionalProperties")]
        left += [(model, place, part) for part in parts if isinstance(part, dict)]
    return found


def money_is_whole(value: Any) -> None:
    for name, each in _leaves(value):
        if name.endswith("_cents") and "_per_" not in name:
            assert not isinstance(each, (float, bool)), f"{name} is {each!r}"


def ids_in(text: str) -> set[str]:
    return set(re.findall(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", text))


def _forged(surface: Surface) -> str:
    """What a token says, with the signature of another one."""
    said = surface.token(fresh=True).rpartition(".")[0]
    return f"{said}.{surface.token(fresh=True).rpartition('.')[2]}"


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _leaves(each, key)
    elif isinstance(value, list):
        for each in value:
            yield from _leaves(each, name)
    else:
        yield name, value


def _maximum(schema: dict[str, Any]) -> int:
    found = [schema, *schema.get("anyOf", ())]
    return min((each["maximum"] for each in found if "maximum" in each), default=10**9)
