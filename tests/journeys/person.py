"""A firm's people over HTTP, and which routes of the products they called.

A call is written as the products write theirs, so it can be found in their list of endpoints:

    ada = office.person("agent")
    note = ada("GET /api/notifications", is_read="false").data[0]
    ada("PUT /api/notifications/{id}/read", id=note["id"])
    ada("POST /api/notifications", {"title": "x"}, refused=403)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

from serve.app import create_app
from serve.crm.assignment.sweeping import assign_due
from serve.crm.tickets.escalation import queue_due
from serve.platform.audit.seals import seal
from serve.platform.schedules.firing import fire_due
from tests.serve.conftest import Running
from tests.serve.firm import PASSWORD, Firm
from tests.serve.working import work

PLACE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Answer:
    """What came back, as a front end reads it."""

    response: httpx.Response

    @property
    def data(self) -> Any:
        return self.response.json()["data"]

    @property
    def meta(self) -> Any:
        return self.response.json()["meta"]

    @property
    def error(self) -> Any:
        return self.response.json()["error"]

    @property
    def etag(self) -> str:
        return self.response.headers["etag"]


class Office:
    """The service, whose loops the story turns by hand, and which can be started anew."""

    def __init__(self, firm: Firm) -> None:
        self.firm = firm
        self.running = firm.running
        self.called: set[str] = set()

    def person(self, role: str, tenant: str = "a") -> Person:
        """Somebody of that role who has logged in."""
        return Person(self, f"{role}@{tenant}.example").log_in()

    def stranger(self) -> Person:
        """Somebody who has shown nothing yet."""
        return Person(self, None)

    def holder(self, key: str) -> Person:
        """A program with an API key."""
        return Person(self, None, {"X-API-Key": key})

    def catch_up(self) -> None:
        """What the service does beside requests: note what happened to people, tell people, seal events."""
        state = self.running.app.state
        self.running.wait_for(state.notes.written())
        self.running.wait_for(state.relay.catch_up())
        self.running.wait_for(seal(state.worker_database))

    def work(self) -> None:
        """What the worker does: every task that is queued."""
        self.running.wait_for(work(self.running.app.state))

    def clock(self, moment: datetime) -> None:
        """It is that time: schedules that are due begin, and tickets are late."""
        self.running.wait_for(fire_due(self.running.app.state.worker_database, moment))
        self.running.wait_for(queue_due(self.running.app.state.worker_database, moment))
        self.running.wait_for(assign_due(self.running.app.state.worker_database, moment))

    def restart(self) -> None:
        """End the service and start another on the same home and database; who was logged in goes on."""
        settings = self.running.app.state.settings
        self.close()
        self.running = Running(create_app(settings)).start()

    def close(self) -> None:
        self.running.stop()


class Person:
    """Somebody with a client. Calling it sends a request; who wants a refusal says so."""

    def __init__(self, office: Office, email: str | None, headers: Mapping[str, str] | None = None) -> None:
        self.office, self.email, self.headers = office, email, dict(headers or {})
        self.session: Any = None
        self.password = PASSWORD

    def log_in(self, call: str = "POST /api/v1/auth/login") -> Person:
        self.take(self(call, {"email": self.email, "password": self.password}))
        return self

    def take(self, answer: Answer) -> None:
        """Go on with this session."""
        self.session = answer.data
        self.headers["Authorization"] = f"Bearer {answer.data['access_token']}"

    @property
    def id(self) -> str:
        return self.session["user"]["id"]

    def __call__(
        self,
        call: str,
        body: Any = None,
        *,
        refused: int | None = None,
        if_match: str | None = None,
        files: Any = None,
        form: Any = None,
        **words: Any,
    ) -> Answer:
        """Send ``METHOD /path/{id}``; words that are no place in the path are the query."""
        method, route = call.split(" ")
        path = route.format(**words)
        asked = {name: value for name, value in words.items() if name not in PLACE.findall(route)}
        headers = self.headers | ({"If-Match": if_match} if if_match else {})
        url, rest = self.office.running.url + path, {"params": asked, "headers": headers, "timeout": 30}
        if files is not None:
            response = httpx.request(method, url, files=files, data=form, **rest)
        else:
            response = httpx.request(method, url, json=body, **rest)
        if refused is None:
            assert response.is_success, f"{call}: {response.status_code} {response.text}"
            self.office.called.add(call)
        else:
            assert response.status_code == refused, f"{call}: {response.status_code} {response.text}"
        return Answer(response)
