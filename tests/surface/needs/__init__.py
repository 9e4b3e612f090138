"""What does not follow from an operation: a body, ids, parameters that make its call succeed. By area."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from tests.surface.needs import (
    calls,
    crm,
    customers,
    finance,
    graph,
    links,
    people,
    places,
    platform,
    quotes,
    reviews,
    tenants,
    tickets,
)

if TYPE_CHECKING:
    from tests.surface.calls import Surface


SENDERS: dict[str, Callable[[Surface, UUID | None], str]] = people.SENDERS
"""Whose token is sent where an owner's is none that succeeds."""

FILES = people.FILES | platform.FILES
"""What is sent where files are taken: the form's field, a name, the content."""

FORMS = tenants.FORMS
"""What is sent in forms without files."""

ENDS_THE_SESSION = people.ENDS_THE_SESSION
"""Called with a token of its own each time."""

IN_A_SESSION = people.IN_A_SESSION
"""Called with a token of a session that stands in the store."""

NOT_FOR_CHILDREN = tenants.NOT_FOR_CHILDREN
"""Called for ``b`` unless said: ``a`` is the child of another tenant."""

BODIES: dict[str, dict[str, Any]] = (
    customers.BODIES
    | people.BODIES
    | tenants.BODIES
    | platform.BODIES
    | crm.BODIES
    | graph.BODIES
    | quotes.BODIES
    | tickets.BODIES
    | places.BODIES
    | reviews.BODIES
    | finance.BODIES
)
"""Values instead of the examples of the model, by operation or by collection; functions are asked each time."""

MAKE_NOTHING = tenants.MAKE_NOTHING | platform.MAKE_NOTHING | crm.MAKE_NOTHING
"""Operations that need make no row for the GET at their address."""

PARAMETERS: dict[str, dict[str, Any]] = (
    tenants.PARAMETERS | platform.PARAMETERS | crm.PARAMETERS | tickets.PARAMETERS | places.PARAMETERS
)
"""Query parameters without which an operation does not succeed or does not end; functions are asked each time."""

WORDS: dict[str, dict[str, str]] = platform.WORDS
"""Parameters of the path that are words, by operation."""

MAKERS: dict[str, Callable[[Surface, UUID | None], dict[str, str]]] = (
    people.MAKERS
    | tenants.MAKERS
    | platform.MAKERS
    | crm.MAKERS
    | customers.MAKERS
    | graph.MAKERS
    | links.MAKERS
    | quotes.MAKERS
    | calls.MAKERS
    | tickets.MAKERS
    | finance.MAKERS
)
"""Ids of rows that no POST of the collection makes, by the beginning of the path."""

LISTED: dict[str, Callable[[Surface, UUID | None], Any]] = (
    people.LISTED
    | tenants.LISTED
    | platform.LISTED
    | graph.LISTED
    | links.LISTED
    | places.LISTED
    | finance.LISTED
)
"""Makes a row for lists that no POST beside them fills."""

OTHERWISE_MADE: dict[str, Callable[[Surface, UUID | None], dict[str, str]]] = people.OTHERWISE_MADE
"""Makes the rows of a collection whose POST gives something else, as an invitation."""

PREPARED: dict[str, Callable[[Surface, UUID | None], Any]] = people.PREPARED | customers.PREPARED
"""What must be so before the operation can succeed, and follows neither from its ids nor from its body."""
