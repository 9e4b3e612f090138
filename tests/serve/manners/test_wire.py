"""Heads and bodies leave in one write, in their order, and nothing is held back for long."""

from __future__ import annotations

import asyncio

import pytest

from serve.kernel.wire import Joining


class Transport:
    """What was written, one entry a system call."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.is_closed = False

    def write(self, data: bytes) -> None:
        assert not self.is_closed
        self.sent.append(data)

    def writelines(self, parts: tuple[bytes, ...]) -> None:
        self.write(b"".join(parts))

    def close(self) -> None:
        self.is_closed = True

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return self.is_closed


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ([b"head", b"body"], [b"headbody"]),
        ([b"head"], [b"head"]),
        ([b"head", b""], [b"head"]),  # a 304, an answer to HEAD
        ([b"head", b"one", b"two"], [b"headone", b"two"]),
        ([b"", b"head", b"body"], [b"headbody"]),
    ],
)
def test_what_is_written_leaves_in_order(written, sent):
    transport = Transport()

    async def write() -> None:
        joining = Joining(transport, asyncio.get_running_loop())
        for piece in written:
            joining.write(piece)
        await asyncio.sleep(0)

    asyncio.run(write())
    assert transport.sent == sent


def test_a_piece_of_a_stream_does_not_wait_for_the_next_one():
    transport = Transport()

    async def write() -> None:
        joining = Joining(transport, asyncio.get_running_loop())
        for piece in (b"head", b"first", b"second"):
            joining.write(piece)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert b"".join(transport.sent).endswith(piece)

    asyncio.run(write())


def test_closing_sends_what_is_held_first_and_nothing_later():
    transport = Transport()

    async def write() -> None:
        joining = Joining(transport, asyncio.get_running_loop())
        joining.write(b"head")
        joining.close()
        await asyncio.sleep(0)
        assert joining.is_closing()

    asyncio.run(write())
    assert transport.sent == [b"head"]
    assert transport.is_closed
