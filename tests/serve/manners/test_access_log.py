"""Lines of the access log: some at a time, soon, in order, none lost while the process lives."""

from __future__ import annotations

import asyncio

import orjson

from serve.kernel.access_log import MOST_LINES, AccessLog, Line


def line(number: int) -> Line:
    return Line("GET", "/api/v1/contacts", "/api/v1/contacts", 200, 1.25, f"r-{number}", None)


def written(caplog) -> list[list[str]]:
    """Ids of the requests of each record."""
    return [
        [orjson.loads(each)["request_id"] for each in record.getMessage().splitlines()]
        for record in caplog.records
        if record.name == "throughline.access"
    ]


def test_they_are_written_together_and_by_themselves(caplog):
    caplog.set_level("INFO", "throughline.access")
    log = AccessLog()

    async def ask() -> None:
        for number in range(3):
            log.add(line(number))
        assert written(caplog) == []
        async with asyncio.timeout(10):
            while not written(caplog):
                await asyncio.sleep(0.01)
        log.add(line(3))  # it is timed anew

    asyncio.run(ask())
    log.write()
    assert written(caplog) == [["r-0", "r-1", "r-2"], ["r-3"]]
    log.write()
    assert len(written(caplog)) == 2


def test_many_do_not_wait(caplog):
    caplog.set_level("INFO", "throughline.access")
    log = AccessLog()

    async def ask() -> None:
        for number in range(MOST_LINES + 1):
            log.add(line(number))
        assert [len(each) for each in written(caplog)] == [MOST_LINES]

    asyncio.run(ask())
    log.write()
    assert [each for record in written(caplog) for each in record] == [
        f"r-{n}" for n in range(MOST_LINES + 1)
    ]
