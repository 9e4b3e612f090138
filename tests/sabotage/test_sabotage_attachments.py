"""Guards of what goes with mails, taken away one at a time: its own tests must notice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from email.message import EmailMessage
from typing import Any
from uuid import UUID

import pytest

from serve.kernel.db import Transaction
from serve.platform.files.service import files
from serve.platform.mails import attachments, delivery
from serve.ports.storage import Storage
from tests.sabotage.existing import Case, Guard, cases, instead
from tests.serve.firm import Firm
from tests.serve.mails import conftest as mails
from tests.serve.mails import test_attachments as there

ways, set_up, deliver = mails.ways, mails.set_up, mails.deliver
file_id, with_file = there.file_id, there.with_file


async def _what_is_there(
    db: Transaction, storage: Storage, named: Iterable[Mapping[str, Any]]
) -> list[tuple[Mapping[str, Any], bytes]]:
    """Whatever lies there; what does not is left out."""
    found = [
        (each, await attachments._READERS[each["kind"]](db, storage, UUID(each["id"]))) for each in named
    ]
    return [(each, content) for each, content in found if content is not None]


async def _trash(db: Transaction, storage: Storage, file_id: UUID) -> bytes | None:
    """As it lies there, deleted or not."""
    return attachments._bytes(storage, db.caller.tenant_id, file_id)


@contextmanager
def _from_the_trash(firm: Firm) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(attachments._READERS, "file", _trash)
        yield


async def _any_file(db: Transaction, row_id: UUID, **how: bool) -> dict[str, Any]:
    found = await db.fetch_one("select * from files where id = $1", row_id)
    return dict(found or {"name": "x", "media_type": "text/plain", "size_bytes": 1, "sha256": ""})


GUARDS = {
    "what is gone is left out": Guard(
        instead(delivery, "with_contents", _what_is_there), there.test_without_it_the_mail_is_not_sent
    ),
    "what was deleted is sent": Guard(_from_the_trash, there.test_without_it_the_mail_is_not_sent),
    "whatever lies there is sent": Guard(
        instead(delivery, "with_contents", _what_is_there),
        there.test_what_lies_there_must_be_what_was_to_be_sent,
        {"content": b"other bytes"},
    ),
    "any file is attached": Guard(
        instead(files, "get", _any_file), there.test_what_is_not_there_goes_with_no_mail
    ),
    "a mail is another one each time": Guard(
        instead(EmailMessage, "set_boundary", lambda message, boundary: None),
        there.test_the_next_attempt_sends_the_same_bytes,
    ),
}


@pytest.mark.parametrize("case", cases(GUARDS))
def test_it_is_noticed(request: pytest.FixtureRequest, firm: Firm, case: Case) -> None:
    case.hold(request, firm)
