"""Several operations in one call, one after the other; later ones may use what earlier ones answered."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from serve.kernel.actions import Actions, Outcome
from serve.kernel.caller import Caller
from serve.kernel.db import Transaction
from serve.kernel.errors import Invalid, Problem
from serve.platform.actions.schemas import Batch, BatchOperation

Result = dict[str, Any]
_REFERENCE = re.compile(r"\$([A-Za-z0-9][A-Za-z0-9_-]*)((?:\.[A-Za-z0-9_-]+)+)")


class BatchUndone(Invalid):
    code, message = "BATCH_UNDONE", "One of the operations failed, so none was done."


class _Failed(Exception):
    """Ends the attempt of one operation, with what it was told."""


def check(asked: Batch) -> None:
    """Raises Invalid for a word that two operations have, and for a key of one where all are one."""
    operations = asked.operations
    keyed = [i for i, each in enumerate(operations) if each.idempotency_key is not None]
    if asked.mode == "all" and keyed:
        said = "belongs to the whole: send it as the header Idempotency-Key"
        raise Invalid(details=[(f"operations[{i}].idempotency_key", said) for i in keyed])
    names = [each.id for each in operations]
    twice = [i for i, name in enumerate(names) if name is not None and name in names[:i]]
    if twice:
        raise Invalid(details=[(f"operations[{i}].id", "is the word of an earlier one too") for i in twice])


class Run:
    """One batch of a caller. ``within`` is the transaction that operations share, where there is one."""

    def __init__(
        self,
        actions: Actions,
        caller: Caller,
        *,
        request_id: str,
        within: Transaction | None = None,
        dry_run: bool = False,
    ) -> None:
        self._actions, self._caller, self._request_id = actions, caller, request_id
        self._within, self._dry_run = within, dry_run
        self.results: list[Result] = []

    async def each(self, operations: Sequence[BatchOperation]) -> list[Result]:
        """Every one for itself."""
        for operation in operations:
            await self._do(operation, is_alone=True)
        return self.results

    async def all(self, operations: Sequence[BatchOperation]) -> list[Result]:
        """All or nothing. Raises BatchUndone naming what failed."""
        for operation in operations:
            result = await self._do(operation, is_alone=False)
            if error := result["error"]:
                place = f"operations[{result['index'] - 1}]"
                details = [(f"{place}.params.{each['field']}", each["message"]) for each in error["details"]]
                raise BatchUndone(
                    f"Operation {result['index']} ({operation.operation_id[:100]}) failed with {error['code']}, so none"
                    f" was done: {error['message']}",
                    details=details or [(place, error["message"])],
                )
        return self.results

    async def _do(self, operation: BatchOperation, *, is_alone: bool) -> Result:
        outcome = await self._outcome(operation, is_alone=is_alone)
        result = {
            "index": len(self.results) + 1,
            "id": operation.id,
            "operation_id": operation.operation_id,
            "status": outcome.status,
            "data": outcome.data,
            "meta": outcome.meta,
            "etag": outcome.headers.get("etag"),
            "error": outcome.error,
        }
        self.results.append(result)
        return result

    async def _outcome(self, operation: BatchOperation, *, is_alone: bool) -> Outcome:
        try:
            params = {name: resolved(value, self.results, name) for name, value in operation.params.items()}
            action = self._actions.get(operation.operation_id)
        except Problem as problem:
            return Outcome.refused(problem, self._request_id)
        how: dict[str, Any] = {"request_id": self._request_id, "is_limited": True}
        key = None if self._dry_run else operation.idempotency_key
        # One with a key of its own is a transaction of its own; where all are one, what cannot share it is refused.
        shares = not is_alone or (action.shares_transaction and key is None)
        if self._within is None or not shares:
            how |= {"idempotency_key": key, "dry_run": self._dry_run}
            return await self._actions.invoke(action.id, params, self._caller, **how)
        outcome: Outcome | None = None
        try:
            async with self._within.attempt():
                outcome = await self._actions.invoke(
                    action.id, params, self._caller, within=self._within, **how
                )
                if not outcome.succeeded:
                    raise _Failed
        except _Failed:
            pass
        assert outcome is not None
        return outcome


def resolved(value: Any, results: Sequence[Result], field: str) -> Any:
    """The parameter with its references replaced. Raises Invalid for one that leads nowhere.

    >>> resolved(["$1.data.id", "$$5"], [{"index": 1, "id": None, "data": {"id": "x"}, "error": None}], "ids")
    ['x', '$5']
    """
    if isinstance(value, dict):
        return {name: resolved(each, results, f"{field}.{name}") for name, each in value.items()}
    if isinstance(value, list):
        return [resolved(each, results, f"{field}[{i}]") for i, each in enumerate(value)]
    if not isinstance(value, str) or not value.startswith("$"):
        return value
    if value.startswith("$$"):
        return value[1:]
    found = _REFERENCE.fullmatch(value)
    if found is None:
        raise Invalid(details=[(field, "is no reference like $1.data.id; a dollar sign is written $$")])
    word, path = found[1], found[2][1:].split(".")
    named = next((each for each in results if word in (each["id"], str(each["index"]))), None)
    if named is None:
        raise Invalid(details=[(field, f"refers to {word}, which is no earlier operation")])
    if named["error"] is not None:
        raise Invalid(details=[(field, f"refers to {word}, which failed")])
    return _at(named, path, field)


def _at(value: Any, path: Sequence[str], field: str) -> Any:
    for step in path:
        if isinstance(value, Mapping) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            raise Invalid(details=[(field, f"refers to {step}, which that result has not")])
    return value
