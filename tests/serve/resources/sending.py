"""Files sent as imports, and what came of them."""

from __future__ import annotations

import io
import time

import xlsxwriter

ACCOUNTS, CONTACTS, IMPORTS = "/api/v1/accounts", "/api/v1/contacts", "/api/v1/imports"


def send(client, content, *, path=CONTACTS, name="rows.csv", headers=None, **form):
    content = content.encode() if isinstance(content, str) else content
    return client.post(f"{path}/import", files={"file": (name, content)}, data=form, headers=headers)


def finished(client, response) -> dict:
    """The import when it has ended."""
    assert response.status_code == 202, response.text
    until = time.monotonic() + 30
    while time.monotonic() < until:
        state = client.get(response.headers["location"]).json()["data"]
        if state["status"] != "running":
            return state
    raise AssertionError("the import does not end")


def taken_in(client, content, **form) -> dict:
    return finished(client, send(client, content, **form))


def counts(state) -> dict:
    return {
        name.removesuffix("_count"): value
        for name, value in state.items()
        if name.endswith("_count") and name != "row_count" and value
    }


def workbook(*rows, **options) -> bytes:
    made = io.BytesIO()
    with xlsxwriter.Workbook(made, options) as book:
        sheet = book.add_worksheet()
        for line, row in enumerate(rows):
            sheet.write_row(line, 0, row)
    return made.getvalue()


def refused(response, status, code) -> str:
    """What is said of the file."""
    assert response.status_code == status, response.text
    assert response.json()["error"]["code"] == code
    return " ".join(detail["message"] for detail in response.json()["error"]["details"])
