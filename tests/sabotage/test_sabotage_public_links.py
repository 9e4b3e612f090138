"""Guards of what is asked behind links of mails, taken away one at a time: tests of quotes and reviews must notice."""

from __future__ import annotations

import pytest

from serve.crm.quotes import public
from serve.crm.reviews import endpoints as reviews
from serve.identity.account_tokens import limits
from serve.kernel.ratelimit import Debts
from tests.sabotage.existing import Case, Guard, cases, instead, looks_away
from tests.serve.crm import conftest as crm
from tests.serve.crm import test_reviews as asking
from tests.serve.crm import test_sent_quotes as quotes
from tests.serve.firm import Firm

owner, customer, offer, anybody = crm.owner, crm.customer, crm.offer, crm.anybody
send, few = crm.send, crm.few
purpose, contact, ask, sent = asking.purpose, asking.contact, asking.ask, asking.sent
OFTEN = quotes.TestHowOften()


class Plain:
    """In the place of a hash: the word itself."""

    def __init__(self, word: bytes) -> None:
        self.word = word

    def hexdigest(self) -> str:
        return self.word.decode()


async def _of_one_process(calls: limits.LinkCalls, asked: limits.Asked) -> tuple[bool, list[float]]:
    return calls._debts.take(asked)


async def _of_the_database_alone(calls: limits.LinkCalls, asked: limits.Asked) -> tuple[bool, list[float]]:
    try:
        assert calls._shared is not None
        return await calls._shared.take(asked)
    except limits.Unavailable:
        return Debts().take(asked)


GUARDS = {
    "links of quotes are not counted": Guard(
        instead(public, "count_call", looks_away), OFTEN.test_who_asks_too_often_waits
    ),
    "links of reviews are not counted": Guard(
        instead(reviews, "count_call", looks_away), asking.TestLink().test_who_asks_too_often_waits
    ),
    "addresses are not counted": Guard(
        instead(limits, "OF_ADDRESS", 10**6), OFTEN.test_who_guesses_is_stopped_by_where_they_are
    ),
    "each process counts for itself": Guard(
        instead(limits.LinkCalls, "_take", _of_one_process),
        OFTEN.test_processes_that_share_a_database_count_together,
    ),
    "nobody counts without a database": Guard(
        instead(limits.LinkCalls, "_take", _of_the_database_alone),
        OFTEN.test_without_a_database_each_process_counts_for_itself,
    ),
    "the key stands in the database": Guard(
        instead(limits, "sha256", Plain), OFTEN.test_processes_that_share_a_database_count_together
    ),
}


@pytest.mark.parametrize("case", cases(GUARDS))
def test_it_is_noticed(request: pytest.FixtureRequest, firm: Firm, case: Case) -> None:
    case.hold(request, firm)
