"""Chains of requests, made by Schemathesis: what one answers is asked for by the next.

Which answers lead where it finds out from the document: a row that a POST makes is read, changed, deleted, restored.
"""

from __future__ import annotations

import re
from collections import Counter
from contextlib import suppress
from typing import Any
from unittest.mock import patch

import schemathesis
from hypothesis import HealthCheck, settings
from hypothesis.errors import FlakyStrategyDefinition
from schemathesis import Case, CheckContext, Response
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi import stateful

from tests.surface.calls import Surface
from tests.surface.fuzz import CHECKS, SCHEMA, without_if_match
from tests.surface.needs import ENDS_THE_SESSION, IN_A_SESSION
from tests.surface.operations import BY_NAME


def what_is_deleted_is_gone(ctx: CheckContext, response: Response, case: Case) -> bool | None:
    """Until it is restored."""
    if case.operation.path.endswith("/restore"):
        return None
    return schemathesis.checks.use_after_free(ctx, response, case)


ASKED = [*CHECKS, what_is_deleted_is_gone, schemathesis.checks.ensure_resource_availability]


def _is_id(value: Any) -> bool:
    return bool(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", str(value)))


SIGNS_OUT = "POST /api/v1/admin/users/sign-out"


def _is_a_beginning(operation: Any, *_: Any) -> bool:
    """Schemathesis leaves out what takes the id of something that nobody makes, as it thinks of our ``external_id``.

    What ends everybody's session would be the end of the chain.
    """
    return (
        operation.method in ("get", "post") and not operation.path_parameters and operation.label != SIGNS_OUT
    )


Answered = Counter[tuple[str, int]]
"""How often each operation gave which status."""


def follow(surface: Surface, *, chains: int, steps: int) -> tuple[Answered, dict[tuple[str, int], str]]:
    """So many chains of so many requests at most. What was answered, and a report of each kind of failure."""
    answered: Answered = Counter()
    failures: dict[tuple[str, int], str] = {}
    with patch.object(stateful, "is_likely_root_transition", _is_a_beginning):
        machine = SCHEMA.as_state_machine()

    class Chains(machine):  # type: ignore[misc, valid-type]
        def get_call_kwargs(self, case: Case) -> dict[str, Any]:
            who = surface.usual(BY_NAME[case.operation.label])
            token = surface.token(
                tenant=who,
                fresh=case.operation.label in ENDS_THE_SESSION,
                in_session=case.operation.label in IN_A_SESSION,
            )
            return {"base_url": surface.firm.running.url, "headers": {"authorization": token}}

        def before_call(self, case: Case) -> None:
            """What nobody knows beforehand is taken out of what fits the document, so that chains become long."""
            if case.meta is not None and case.meta.generation.mode.is_negative:
                return
            if case.headers:
                case.headers = without_if_match(case.headers)
            if case.query:
                case.query = {name: each for name, each in case.query.items() if _is_id(each)}
            operation = BY_NAME[case.operation.label]
            if operation.takes_json:
                case.body, case.media_type = surface.ready(operation).json, "application/json"

        def validate_response(self, response: Response, case: Case, **_: Any) -> None:
            answered[case.operation.label, response.status_code] += 1
            try:
                case.validate_response(response, ASKED, headers=self.get_call_kwargs(case)["headers"])
            except FailureGroup as group:  # raised it would be tried again, on rows that are there by now
                failures.setdefault((case.operation.label, response.status_code), str(group))

    once = settings(
        max_examples=3,
        stateful_step_count=steps,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    for number in range(chains):
        with suppress(FlakyStrategyDefinition):  # one tried again meets the rows of before
            Chains._hypothesis_internal_use_seed = number
            Chains.run(settings=once)
    return answered, failures
