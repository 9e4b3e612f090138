"""Guards of coordinates that are found by addresses, taken away one at a time: their own tests must notice."""

from __future__ import annotations

from typing import Any

import pytest

from serve.crm.places import asking, geocoding, locating
from serve.kernel.envelope import dumps
from serve.ports.out import addresses, door
from tests.sabotage.existing import Case, Guard, Harm, both, cases, instead, sql, without
from tests.serve.crm import conftest as crm
from tests.serve.crm import test_geocoding as geocoding_tests
from tests.serve.crm.locating import conftest as there
from tests.serve.crm.locating import test_geocoder, test_known
from tests.serve.firm import Firm

owner, lead = crm.owner, crm.lead
look, place, world = there.look, there.place, test_geocoder.world
_nothing_known = there._nothing_known

KNOWN, OUTSIDE = test_known.TestKnown(), test_geocoder.TestGeocoder()
TRIGGER = "alter table leads {} trigger forget_place"


def in_function(name: str, words: str, by: str) -> Harm:
    """Other words in a function of the database."""
    change = "do $$ begin execute replace(pg_get_functiondef('{}'::regproc), '{}', '{}'); end $$"
    quoted = [each.replace("'", "''") for each in (words, by)]
    return sql(change.format(name, *quoted), change.format(name, *reversed(quoted)))


def _in_words(base_url: str, asked: Any = None) -> str:
    return dumps([base_url, asked]).decode()


async def _at_once(*asked: Any, **named: Any) -> float:
    return 0.0


GUARDS = {
    "what somebody gave is written over": Guard(
        both(
            without(locating, "_WAITING", "l.latitude is null and"),
            without(locating, "_FOUND", "l.latitude is null and"),
        ),
        KNOWN.test_what_somebody_gave_is_never_written_over,
    ),
    "what somebody gave goes with the address": Guard(
        in_function(
            "forget_place",
            "if old.coordinates_source in ('known_place', 'geocoder') then",
            "if old.latitude is not null then",
        ),
        KNOWN.test_what_somebody_gave_is_never_written_over,
    ),
    "what was found outlives the address": Guard(
        sql(TRIGGER.format("disable"), TRIGGER.format("enable")),
        KNOWN.test_a_changed_address_takes_what_was_found_by_the_old_one_along,
    ),
    "what changes meanwhile is written to": Guard(
        without(
            locating,
            "_FOUND",
            "and (l.postcode, l.city, l.country) is not distinct from (g.postcode, g.city, g.country)",
        ),
        KNOWN.test_what_changes_meanwhile_is_not_written_to,
    ),
    "nobody says who found it": Guard(
        instead(locating, "LOCATED", ""), KNOWN.test_the_history_says_that_nobody_of_the_tenant_did_it
    ),
    "what was found is learned from": Guard(
        without(geocoding, "_AREA", "and coalesce(d.coordinates_source, 'given') = 'given'"),
        KNOWN.test_by_the_postcode_before_the_town_and_by_leads_that_somebody_placed,
    ),
    "who stands still is looked after": Guard(
        in_function("tenants_with_leads_to_locate", "t.state = 'active'", "t.state is not null"),
        KNOWN.test_a_firm_that_stands_still_is_not_looked_after,
    ),
    "rows far apart have a middle": Guard(
        instead(geocoding, "FAR_M", dict.fromkeys(geocoding.FAR_M, 1e9)),
        geocoding_tests.TestKnown().test_rows_far_apart_have_no_middle,
    ),
    "everybody outside is told": Guard(
        instead(locating, "SURE", 2.0), OUTSIDE.test_what_is_known_well_enough_is_told_to_nobody
    ),
    "answers are not kept": Guard(
        without(asking, "_KNOWN", "tenant_id = $1", "tenant_id = $1 and false"),
        OUTSIDE.test_it_is_asked_once_for_an_address,
    ),
    "answers are kept for ever": Guard(
        without(asking, "_KNOWN", f"and asked_at > now() - interval '{asking.KEPT}'"),
        OUTSIDE.test_answers_are_a_tenants_own_and_kept_for_a_day,
    ),
    "old answers stay": Guard(
        without(asking, "_FORGET", "tenant_id = $1", "tenant_id = $1 and false"),
        OUTSIDE.test_answers_are_a_tenants_own_and_kept_for_a_day,
    ),
    "what was asked stands in words": Guard(
        instead(asking, "_mark", _in_words), OUTSIDE.test_what_was_asked_stands_nowhere_in_words
    ),
    "it is asked as fast as one can": Guard(
        instead(asking, "turn", _at_once), OUTSIDE.test_it_is_asked_no_faster_than_it_allows
    ),
    "it never rests": Guard(
        instead(locating, "REST_S", 0.0), OUTSIDE.test_it_rests_after_a_failure_for_everybody
    ),
    "every address is public": Guard(
        both(
            instead(addresses, "is_public", lambda text: True),
            instead(door, "check_url", lambda url, ports: None),
        ),
        OUTSIDE.test_an_address_of_this_machine_is_not_called,
    ),
}


@pytest.mark.parametrize("case", cases(GUARDS))
def test_it_is_noticed(request: pytest.FixtureRequest, firm: Firm, case: Case) -> None:
    case.hold(request, firm)
