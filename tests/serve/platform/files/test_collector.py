"""What nobody needs is removed after a while, what is missing is noticed, and nothing else is touched."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from serve.platform.files.collector import Collected, Collector
from serve.ports.storage import Storage
from tests.serve.platform.files.sending import FILES, send, sent

DAY = timedelta(days=1)


@pytest.fixture(params=["disk", "memory"])
def storage(firm, request, monkeypatch, tmp_path) -> Storage:
    """One that nobody else uses."""
    storage = Storage(str(tmp_path / "files") if request.param == "disk" else f"memory://{uuid4()}")
    monkeypatch.setattr(firm.running.app.state.files, "storage", storage)
    return storage


@pytest.fixture
def collect(firm, storage):
    """A round at a time to come; rows of other tests, whose bytes lie elsewhere, are out of the way."""
    firm.sql("set session_replication_role = replica; delete from files")
    collector = Collector(
        firm.running.app.state.worker_database, storage, kept_s=7 * 24 * 3600, grace_s=6 * 3600
    )

    def collect(later: timedelta) -> Collected:
        return firm.running.wait_for(collector.collect(datetime.now(UTC) + later))

    return collect


def put(storage: Storage, tenant_id, file_id, content: bytes = b"bytes") -> None:
    aside = storage.aside()
    aside.write(content)
    aside.finish()
    storage.keep(aside, tenant_id, file_id)


def test_what_is_in_use_is_left_alone(firm, storage, collect):
    client = firm.client()
    row = sent(client, "a.txt", b"text")
    assert send(client, "a.png", b"text").status_code == 415  # refused: nothing of it is left to collect
    for later in (0 * DAY, DAY, 400 * DAY):
        assert collect(later) == Collected()
    assert client.get(f"{FILES}/{row['id']}/download").content == b"text"


def test_bytes_without_a_row_go_after_the_grace_period(firm, storage, collect):
    row = sent(firm.client(), "a.txt", b"text")
    orphan, stranger = uuid4(), uuid4()
    put(storage, firm.a, orphan)
    put(storage, stranger, row["id"])  # the id of a row, but not of that tenant's
    assert collect(timedelta(hours=5)) == Collected()
    assert storage.files(firm.a) >= {orphan}
    assert collect(timedelta(hours=7)) == Collected(orphans=2)
    assert {str(each) for each in storage.files(firm.a)} == {row["id"]}
    assert storage.files(stranger) == set()
    assert collect(timedelta(hours=7)) == Collected()


def test_uploads_that_died_go_after_the_grace_period(firm, storage, collect):
    dead = storage.aside()
    dead.write(b"half of")
    dead.finish()
    assert collect(timedelta(hours=5)) == Collected()
    assert collect(timedelta(hours=7)) == Collected(aside=1)
    with pytest.raises(FileNotFoundError):
        dead.open()


def test_a_deleted_file_goes_for_good_after_its_time(firm, storage, collect):
    client = firm.client()
    row = sent(client, "Ada Byron.txt", b"text")
    client.delete(f"{FILES}/{row['id']}")
    assert collect(6 * DAY) == Collected()
    client.post(f"{FILES}/{row['id']}/restore")
    assert collect(8 * DAY) == Collected()
    assert client.get(f"{FILES}/{row['id']}/download").content == b"text"
    client.delete(f"{FILES}/{row['id']}")
    assert collect(8 * DAY) == Collected(deleted=1)
    assert storage.files(firm.a) == set()
    assert client.post(f"{FILES}/{row['id']}/restore").status_code == 404
    [*_, (name, before, _)] = firm.events(row["id"])
    assert name == "file.removed"
    assert "Byron" not in str(before)


def test_bytes_of_a_removed_row_that_the_process_did_not_come_to(firm, storage, collect, monkeypatch):
    client = firm.client()
    row = sent(client, "a.txt", b"text")
    client.delete(f"{FILES}/{row['id']}")
    with monkeypatch.context() as dies:
        dies.setattr(Storage, "remove", lambda *_: (_ for _ in ()).throw(OSError("died")))
        with pytest.raises(OSError, match="died"):
            collect(8 * DAY)
    assert firm.sql("select 1 from files where id = %s", row["id"]) == []
    assert collect(8 * DAY) == Collected(orphans=1)


def test_a_row_whose_bytes_are_gone_is_noticed_once_and_again_when_they_are_back(firm, storage, collect):
    client = firm.client()
    rows = [sent(client, f"{number}.txt", b"text") for number in range(3)]
    gone = rows[1]["id"]
    storage.remove(firm.a, gone)
    assert collect(timedelta(hours=5)) == Collected()
    assert collect(timedelta(hours=7)) == Collected(lost=1)
    assert collect(timedelta(hours=8)) == Collected()
    assert [each["id"] for each in client.get(FILES, params={"has_lost_at": True}).json()["data"]] == [gone]
    put(storage, firm.a, gone, b"text")
    assert collect(timedelta(hours=9)) == Collected(found=1)
    assert client.get(f"{FILES}/{gone}/download").content == b"text"
    names = [
        (name, *firm.sql("select actor_kind from events where name = %s", name)[0])
        for name, *_ in firm.events(gone)
    ]
    assert names[1:] == [("file.lost", "platform"), ("file.found", "platform")]


def test_several_processes_at_once_do_each_thing_once(firm, storage, collect):
    client = firm.client()
    for number in range(5):
        client.delete(f"{FILES}/{sent(client, f'{number}.txt', b'text')['id']}")
    lost = sent(client, "lost.txt", b"text")["id"]
    storage.remove(firm.a, lost)
    put(storage, firm.b, uuid4())
    collector = Collector(firm.running.app.state.worker_database, storage, kept_s=0)

    async def all_at_once():
        rounds = (collector.collect(datetime.now(UTC) + DAY) for _ in range(4))
        return await asyncio.gather(*rounds)

    done = firm.running.wait_for(all_at_once())
    assert sum(each.deleted for each in done) == 5
    assert sum(each.lost for each in done) == 1
    assert storage.files(firm.b) == set()
    assert [name for name, *_ in firm.events(lost)].count("file.lost") == 1


def test_nothing_of_the_worker_reaches_rows_of_others(firm, storage):
    """It goes from tenant to tenant by its own will, not past row security."""
    sent(firm.client(), "a.txt", b"text")

    async def look():
        async with firm.running.app.state.worker_database.transaction() as db:
            return await db.fetch("select id from files")

    assert firm.running.wait_for(look()) == []
