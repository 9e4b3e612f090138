"""What stored settings mean: values over defaults, and what a change makes of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from serve.kernel.envelope import Input


def over_defaults(model: type[Input], stored: Mapping[str, Any]) -> Input:
    """The category with what is stored.

    What no longer fits, because the model has changed since, is as if it were not stored.
    """
    kept = {name: value for name, value in stored.items() if name in model.model_fields}
    while True:
        try:
            return model.model_validate(kept)
        except ValidationError as error:
            wrong = {str(item["loc"][0]) for item in error.errors() if item["loc"]} & kept.keys()
            if not wrong:
                raise
            kept = {name: value for name, value in kept.items() if name not in wrong}


def changed(before: Mapping[str, Any], sent: Mapping[str, Any]) -> dict[str, Any]:
    """What is stored after a change; a null takes the value away, so that the default holds again."""
    after = {**before, **sent}
    return {name: value for name, value in after.items() if value is not None}
