"""Actions: every operation, callable by its id as a given caller."""

from serve.kernel.actions.invoke import Actions, NotAnAction, OperationNotFound
from serve.kernel.actions.naming import name_operations
from serve.kernel.actions.outcome import Outcome
from serve.kernel.actions.principals import PrincipalGone, principal_of

__all__ = [
    "Actions",
    "NotAnAction",
    "OperationNotFound",
    "Outcome",
    "PrincipalGone",
    "name_operations",
    "principal_of",
]
