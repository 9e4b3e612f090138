"""What every listener is promised, on the service as it is; ``tests/sabotage`` asks the same without a guard."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.serve.firm import Firm
from tests.serve.realtime import promises

PROMISES = (
    promises.tenants_are_kept_apart,
    promises.the_past_is_kept_apart,
    promises.permissions_count,
    promises.only_the_addressed_hear,
    promises.personal_values_stay_sealed,
    promises.an_expired_token_ends_it,
    promises.an_ended_session_hears_nothing_more,
    promises.a_slow_store_tells_nothing_after_the_end,
    promises.pages_of_other_sites_get_nothing,
    promises.what_is_open_holds_back_what_is_newer,
    promises.a_slow_one_holds_nothing,
    promises.nobody_takes_all_connections,
)


@pytest.mark.parametrize("promise", PROMISES, ids=lambda each: each.__name__)
def test_it_is_kept(firm: Firm, promise: Callable[[Firm], None]):
    promise(firm)
