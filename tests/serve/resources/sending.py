"""Files sent as imports, and what came of them."""

from __future__ import annotations

import io

import xlsxwriter

ACCOUNTS, CONTACTS, IMPORTS = "/api/v1/accounts", "/api/v1/contacts", "/api/v1/imports"


def send(client, content, *, path=CONTACTS, name="rows.csv", headers=None, **form):
    content = content.encode() if isinstance(content, str) else content
    return client.post(f"{path}/import", files={"file": (name, content)}, data=form, headers=headers)


def finished(firm, response, client=None) -> dict:
    """The import when it has ended."""
    assert response.status_code == 202, response.text
    firm.work()
    state = (client or firm.client()).get(response.headers["location"]).json()["data"]
    assert state["status"] != "running", state
    return state


def taken_in(firm, content, *, client=None, **form) -> dict:
    return finished(firm, send(client or firm.client(), content, **form), client)


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
