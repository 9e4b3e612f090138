"""Requests that nobody thought of, made by Schemathesis out of the document, and what every answer must be.

Those that fit the document are asked with ids of real rows, so that they get past the 404; some also with the body of a
call that succeeds, so that every operation is seen doing what it is for.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, CheckContext, GenerationMode, Response
from schemathesis.checks import load_all_checks
from schemathesis.core.failures import FailureGroup
from schemathesis.core.parameters import ParameterLocation
from schemathesis.transport.requests import ManagedCookiesSession

from tests.surface.beyond import BEYOND
from tests.surface.calls import Surface
from tests.surface.needs import ENDS_THE_SESSION, FILES, IN_A_SESSION, PARAMETERS
from tests.surface.operations import DOCUMENT, Call, Operation


def _address(length: int) -> str:
    """An e-mail address of so many characters."""
    name, label = "n" * 64, "d" * 63
    rest = length - len(f"{name}@{label}.{label}..org")
    return f"{name}@{label}.{label}.{'d' * rest}.org"


# Domains that mail can have: the service refuses the reserved ones, which the format does not know. Some addresses are
# as long as the document allows, one more or one less: by chance alone none ever is, and the search for one
# took seconds of each operation that has an address.
_USUAL = st.from_regex(r"[a-z0-9]{1,20}@[a-z]{2,20}\.(org|de|io)", fullmatch=True)
_LONG = st.sampled_from([_address(length) for length in (253, 254, 255)])
schemathesis.openapi.format("email", st.integers(0, 7).flatmap(lambda draw: _LONG if draw == 7 else _USUAL))

SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
SCHEMA.config.checks.negative_data_rejection.expected_statuses = [
    *SCHEMA.config.checks.negative_data_rejection.expected_statuses,
    "412",  # whoever has not seen the newest version is told so first
    "413",  # more rows than a call takes are more than a body holds
    "207",  # of many rows, the wrong one is refused by itself
]
SCHEMA.config.checks.positive_data_acceptance.expected_statuses = [
    *SCHEMA.config.checks.positive_data_acceptance.expected_statuses,
    "410",  # a cursor that nobody gave
    "412",  # the ETag of another version
    "413",  # many rows are more than a body holds here
    "415",  # a file of another kind than its type says
    "422",  # see ``refusals_are_explained``
]

OUTSIDE = {
    "POST /api/v1/settings/email/test": {502, 503},  # the mail server that a case before it has set
    "POST /api/v1/b2b/enterprise-sso/domains/{id}/verify": {504},  # no name server is there
    "GET /api/v1/auth/sso/{connection_id}/start": {502},  # no provider is
}
"""Where a failure of somebody else is the right answer."""
SETTINGS = settings(
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)

Check = Callable[[CheckContext, Response, Case], bool | None]


def no_failure_of_ours(ctx: CheckContext, response: Response, case: Case) -> None:
    if response.status_code == 503 and response.json()["error"]["code"] == "INTEGRATION_NOT_CONFIGURED":
        return  # settings are asked too, and may have become anything; that it ever succeeds is looked at elsewhere
    if response.status_code >= 500:
        expected = OUTSIDE.get(case.operation.label, ())
        assert response.status_code in expected, "a failure of the service"


def _says(said: str, known: str) -> bool:
    return bool(re.fullmatch(f"(.*: )?({known})", said, re.IGNORECASE | re.DOTALL))


def refusals_are_explained(ctx: CheckContext, response: Response, case: Case) -> None:
    """Values that fit the document are refused for reasons that it cannot tell, or it should tell them."""
    if response.status_code != 422 or case.meta is None or not case.meta.generation.mode.is_positive:
        return
    error = response.json()["error"]
    said = [f"{detail['field']}: {detail['message']}" for detail in error["details"]] or [error["message"]]
    unknown = [each for each in said if not any(_says(each, known) for known in BEYOND)]
    assert not unknown, f"refused, though the document allows it: {unknown}"


def what_is_wrong_is_refused(ctx: CheckContext, response: Response, case: Case) -> bool | None:
    """As Schemathesis asks it. But where files are sent any bytes are one: a list in its place is the text of it."""
    if (
        case.operation.label in FILES
        and case.meta is not None
        and case.meta.is_negative_at(ParameterLocation.BODY)
    ):
        return None
    return schemathesis.checks.negative_data_rejection(ctx, response, case)


load_all_checks()
METHODS = [schemathesis.checks.unsupported_method, schemathesis.checks.allow_header_conformance]
CHECKS = [
    schemathesis.checks.status_code_conformance,
    schemathesis.checks.content_type_conformance,
    schemathesis.checks.response_headers_conformance,
    schemathesis.checks.response_schema_conformance,
    what_is_wrong_is_refused,
    schemathesis.checks.positive_data_acceptance,
    schemathesis.checks.missing_required_header,
    no_failure_of_ours,
]
"""All that there are but those about permissions (``ignored_auth``, ``object_level_authorization``), which
``checks.py`` asks of every operation; those about a chain of calls (``use_after_free``,
``ensure_resource_availability``), which ``chains.py`` asks; and ``max_response_time``. ``METHODS`` are for paths that
no other one takes too: a word in the place of an id takes the methods of the id's path."""


@schemathesis.serializer(
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "application/x-ndjson"
)
def as_it_is(_: schemathesis.SerializationContext, value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def without_if_match(headers: Any) -> dict[str, str]:
    """An ETag that was made up is of no version."""
    return {name: value for name, value in headers.items() if name.lower() != "if-match"}


UNREAD = b"Invalid HTTP request received."
"""What the server says of bytes that are no HTTP, such as a line that is too long: they never reach the program."""


@dataclass
class Asked:
    """What came of the cases of an operation."""

    statuses: Counter[int] = field(default_factory=Counter)
    has_succeeded: bool = False
    has_succeeded_alone: bool = False
    """With a body that nobody helped with."""
    failures: dict[tuple[str, int], str] = field(default_factory=dict)
    """A report of each kind of failure, for the first case that had it."""


def ask(
    surface: Surface,
    operation: Operation,
    *,
    examples: int,
    along_limits: int | None,
    also: Sequence[Check] = (),
) -> Asked:
    """Up to ``examples`` random cases that fit the document and as many that do not; and ``along_limits`` of those that
    go along its limits, all of them for None. ``also`` is checked of each answer beside ``CHECKS``."""
    asking = _Asking(surface, operation, also)
    kinds = cycle(
        ["as made", "known rows", "known body", "known body"]
    )  # by chance some never had their turn
    for mode in GenerationMode:
        made = SCHEMA[operation.path][operation.method].as_strategy(generation_mode=mode)
        asking_once = given(made)(lambda case: asking.send(case, next(kinds)))
        try:
            settings(SETTINGS, max_examples=examples)(asking_once)()
        except Unsatisfiable:
            assert mode.is_negative, operation  # there is nothing that could be wrong in it
    for case in _along_limits(operation, along_limits):
        asking.send(case, "known rows")
    return asking.asked


def _along_limits(operation: Operation, most: int | None) -> list[Case]:
    """Each parameter and property at, just within and just beyond what the document allows; evenly thinned out."""
    asked = SCHEMA[operation.path][operation.method]
    generation = SCHEMA.config.generation_for(operation=asked, phase="coverage")
    found = list(
        SCHEMA.iter_coverage_cases(asked, generation_modes=list(GenerationMode), generation_config=generation)
    )
    return found if most is None else found[:: max(1, -(-len(found) // most))]


class _Asking:
    """Sends cases of one operation."""

    def __init__(self, surface: Surface, operation: Operation, also: Sequence[Check]) -> None:
        self.asked = Asked()
        self._surface, self._operation = surface, operation
        self._session = ManagedCookiesSession()
        self._known: Call | None = None
        others = DOCUMENT["paths"].keys() - {operation.path}
        is_alone = not any(
            re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", other), operation.path) for other in others
        )
        self._checks = [*CHECKS, *also, *(METHODS if is_alone else [])]

    def send(self, case: Case, kind: str) -> None:
        if kind != "as made":
            self._help(case, also_body=kind == "known body")
        headers = {}
        if not self._operation.is_public:
            fresh = self._operation.name in ENDS_THE_SESSION
            headers["authorization"] = self._surface.token(
                tenant=self._surface.usual(self._operation),
                fresh=fresh,
                in_session=self._operation.name in IN_A_SESSION,
            )
        self._session.cookies.clear()
        response = case.call(self._surface.firm.running.url, self._session, headers)
        self.asked.statuses[response.status_code] += 1
        if response.content == UNREAD:
            return
        if 200 <= response.status_code < 300:
            self.asked.has_succeeded = True
            self.asked.has_succeeded_alone |= kind != "known body"
            if self._operation.method != "GET":
                self._known = None  # its row may be gone, its key taken
        try:
            case.validate_response(response, self._checks, headers=headers)
        except FailureGroup as group:
            for failure in group.exceptions:
                self.asked.failures.setdefault((type(failure).__name__, response.status_code), str(group))

    def _help(self, case: Case, *, also_body: bool) -> None:
        """Ids, and a body, of a call that would succeed in the place of what fits the document but names nothing; and
        no ETag, which would be of no version."""
        assert case.meta is not None
        if case.meta.generation.mode.is_negative and not any(
            component.mode.is_negative for component in case.meta.components.values()
        ):
            return  # what is wrong with it lies between its parts, and may be what would be replaced
        if case.headers and not case.meta.is_negative_at(ParameterLocation.HEADER):
            case.headers = without_if_match(case.headers)
        ids = bool(case.path_parameters) and not case.meta.is_negative_at(ParameterLocation.PATH)
        body = also_body and bool(self._operation.documented.get("requestBody"))
        body = body and not case.meta.is_negative_at(ParameterLocation.BODY)
        asked = self._operation.name in PARAMETERS and not case.meta.is_negative_at(ParameterLocation.QUERY)
        if not (ids or asked or body):
            return
        known = self._known = self._known or self._surface.ready(self._operation)
        if ids:
            case.path_parameters = dict(known.ids)
        if asked:
            given = PARAMETERS[self._operation.name]
            drawn = {name: value for name, value in (case.query or {}).items() if name not in given}
            case.query = drawn | known.params
        if body and known.form:
            texts = {name: content.decode() for name, (_, content, _) in known.form["files"].items()}
            files = {name: [text] if name == "files" else text for name, text in texts.items()}
            case.body, case.media_type = known.form["data"] | files, "multipart/form-data"
        elif body:
            case.body, case.media_type = known.json, "application/json"
