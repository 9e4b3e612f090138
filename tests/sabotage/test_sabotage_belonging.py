"""Who reads and changes which file: guards taken away one at a time, and their own tests must notice."""

from __future__ import annotations

from uuid import UUID

import pytest
from fastapi import Request

from serve.crm.articles import service as articles
from serve.crm.calls import service as calls
from serve.kernel.caller import Caller
from serve.kernel.db import Record
from serve.kernel.resources.seen import Seen
from serve.platform.files import belonging, downloads, service
from serve.platform.files.service import files
from tests.sabotage.existing import Case, Guard, both, cases, instead, looks_away, without
from tests.serve.firm import Firm
from tests.serve.platform.files import test_belonging as there

account = there.account
READING, CHANGING, PLACES, RECORDINGS = (
    *(there.TestReading(), there.TestChanging(), there.TestPlaces()),
    there.TestRecordings(),
)
LOOSE = READING.test_what_belongs_to_nothing_is_for_who_sent_it_and_who_sees_all


def changes_nothing(*given: object) -> None:
    """Refuses nobody."""


async def of_the_tenant(request: Request, caller: Caller, file_id: UUID) -> Record:
    return await downloads.shared(request, caller.tenant_id, file_id)


GUARDS = {
    "lists are of everybody": Guard(
        instead(Seen, "condition", lambda self, bind: "true"), READING.test_totals_are_of_who_asks
    ),
    "each file is of everybody": Guard(
        both(
            instead(files, "_get", files._get.partition(" and (")[0]),
            instead(files, "seen_by", lambda caller: ()),
        ),
        CHANGING.test_what_one_does_not_see_is_not_there,
    ),
    "whoever may read may change": Guard(
        instead(service, "check_may_change", changes_nothing), CHANGING.test_who_may_only_read_it_may_not
    ),
    "rows that are not there have files": Guard(
        instead(service, "check_place", looks_away), PLACES.test_a_row_that_is_there
    ),
    "files are given to rows of others": Guard(
        instead(service, "check_place", looks_away), PLACES.test_a_row_that_one_may_change
    ),
    "a recording is taken from its call": Guard(
        instead(files, "rule", None), RECORDINGS.test_it_stays_with_its_call
    ),
    "pictures stay with who sent them": Guard(
        instead(articles, "adopt", looks_away), READING.test_a_picture_of_an_article_is_for_its_readers
    ),
    "an article gives away what is not its author's": Guard(
        without(belonging, "_ADOPT", "and ($4 or t.uploaded_by = $5)", "and ($4 or $5::uuid is not null)"),
        READING.test_nobody_gives_readers_a_picture_that_is_not_theirs,
    ),
    "recordings stay with who sent them": Guard(
        instead(calls, "adopt", looks_away), READING.test_a_recording_is_for_who_may_read_the_call
    ),
    "downloads are of everybody": Guard(instead(downloads, "seen", of_the_tenant), LOOSE),
}


@pytest.mark.parametrize("case", cases(GUARDS))
def test_it_is_noticed(request: pytest.FixtureRequest, firm: Firm, case: Case) -> None:
    case.hold(request, firm)
