"""From a log-in over HTTP to the metric that counts it: store, landing, models, release, answer."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipelines.ingest.operational import extract
from serve.kernel.permissions import ROLES
from tests.serve.conftest import Running
from tests.serve.firm import PASSWORD, Firm
from tests.serve.identity.conftest import AUTH
from tests.transforms.line import Line
from tests.transforms.published import Published

EMPLOYEES, USERS, QUERY = "/api/v1/employees", "/api/v1/admin/users", "/api/v1/metrics/query"
NORA = "nora@example.org"
PHONE = {"User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X)"}


@pytest.fixture
def lived(firm: Firm) -> Firm:
    """A day of a firm: somebody is invited and comes, somebody mistypes, somebody is suspended, somebody leaves."""
    owner, visitor = firm.client("owner"), firm.running.client(**PHONE)
    assert owner.post(f"{EMPLOYEES}/invite", json={"email": NORA, "role": "agent"}).status_code == 201
    [mail] = [mail for mail in firm.account_mails() if mail.to_address == NORA]
    found = re.search(r"#invitation=([\w-]+)", mail.text)
    assert found is not None
    new = {"token": found[1], "full_name": "Nora New", "password": "a password of hers"}
    assert visitor.post(f"{EMPLOYEES}/accept-invitation", json=new).is_success
    for password, status in (("not hers", 401), (PASSWORD, 200)):
        body = {"email": "manager@a.example", "password": password}
        assert visitor.post(f"{AUTH}/login", json=body).status_code == status
    firm.running.wait_for(firm.running.app.state.notes.written())
    assert owner.post(f"{USERS}/{firm.people[firm.a, 'viewer']}/deactivate").is_success
    assert owner.delete(f"{USERS}/{firm.people[firm.a, 'technician']}").is_success
    firm.sql("update tenants set data_until = current_date")  # no business of theirs tells the day
    return firm


def test_what_people_do_is_counted(lived: Firm, tmp_path: Path, run_app: Callable[..., Running]) -> None:
    line = Line(tmp_path)
    with line.landing.writer("run") as writer:
        loads = extract(lived.address, writer, line.contracts)
    assert not any(load.rows_quarantined for load in loads)
    line.build("fqn:*")
    Published(line, line.home.dbt / "target" / "semantic_manifest.json").reader.close()
    running = run_app(line.home.root)
    caller = running.caller(lived.a)

    def ask(*metrics: str, **more: object) -> list[dict[str, Any]]:
        answer = caller.post(QUERY, json={"metrics": [*metrics], **more})
        assert answer.status_code == 200, answer.text
        return list(answer.json()["data"])

    assert ask("sign_ins", "failed_sign_ins", "failed_sign_in_share", "people_signed_in") == [
        {
            "sign_ins": 2,
            "failed_sign_ins": 1,
            "failed_sign_in_share": pytest.approx(1 / 3),
            "people_signed_in": 2,
        }
    ]
    devices = ask("sign_in_attempts", group_by=["sign_in__device"])
    assert devices == [{"sign_in__device": "phone", "sign_in_attempts": 3}]
    # Everybody but the customer had a seat, and Nora got one; one is suspended, one is gone.
    (seats,) = ask("seats", "seats_suspended", "seats_used")
    assert (seats["seats"], seats["seats_suspended"]) == (len(ROLES) - 1 + 1 - 2, 1)
    assert seats["seats_used"] >= 2
    assert ask("invitations_sent", "invitations_accepted") == [
        {"invitations_sent": 1, "invitations_accepted": 1}
    ]
    elsewhere = running.caller(lived.b).post(QUERY, json={"metrics": ["sign_in_attempts"]}).json()["data"]
    assert [row["sign_in_attempts"] for row in elsewhere] in ([], [0], [None])
