"""Whoever acts, and what they ask for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from serve.kernel.actions import Actions, Outcome, principal_of
from serve.kernel.caller import Caller
from tests.serve.firm import Firm


@pytest.fixture
def actions(firm: Firm) -> Actions:
    return firm.running.app.state.actions


@pytest.fixture
def person(firm: Firm) -> Callable[..., Caller]:
    """Whoever has that role in that tenant, as they may act now."""

    def of(role: str = "owner", tenant: UUID | None = None) -> Caller:
        tenant = tenant or firm.a
        database = firm.running.app.state.database
        return firm.running.wait_for(principal_of(database, tenant, user_id=firm.people[tenant, role]))

    return of


@pytest.fixture
def invoke(firm: Firm, actions: Actions, person: Callable[..., Caller]) -> Callable[..., Outcome]:
    def done(operation_id: str, params: Any = None, caller: Caller | None = None, **how: Any) -> Outcome:
        return firm.running.wait_for(actions.invoke(operation_id, params or {}, caller or person(), **how))

    return done
