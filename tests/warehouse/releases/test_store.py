"""Which release is current: roll back, expire, and what happens to damaged files."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.warehouse.releases.numbered import ACME
from warehouse.releases import (
    ReleaseDamaged,
    ReleaseInfo,
    ReleaseNotFound,
    ReleaseReader,
    current,
    expire,
    find_release,
    list_releases,
    new_release_id,
    rollback,
)

Publish = Callable[[int], ReleaseInfo]


def cut_short(path: Path) -> None:
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[: len(content) // 2])


def flip_one_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.unlink()
    path.write_bytes(content)


class TestIds:
    def test_they_sort_by_time_even_when_the_clock_is_set_back(
        self, releases: Path, publish_number: Publish
    ) -> None:
        first = publish_number(1)
        assert new_release_id(releases, now=datetime(2020, 1, 1, tzinfo=UTC)) > first.id

    @pytest.mark.parametrize(
        "text", ["", "../../etc/passwd", "current", "20260101T000000000Z-abcde/", "a" * 26]
    )
    def test_nothing_else_is_taken_for_an_id(self, releases: Path, text: str) -> None:
        with pytest.raises(ReleaseNotFound):
            find_release(releases, text)


class TestRollback:
    def test_to_the_previous(self, releases: Path, publish_number: Publish) -> None:
        first, second, third = (publish_number(number) for number in (1, 2, 3))
        assert rollback(releases) == second == current(releases)
        assert rollback(releases) == first == current(releases)
        with pytest.raises(ReleaseNotFound):
            rollback(releases)
        assert rollback(releases, third.id) == third == current(releases)

    def test_the_next_publish_is_current_again(self, releases: Path, publish_number: Publish) -> None:
        publish_number(1), publish_number(2)
        rollback(releases)
        assert publish_number(3) == current(releases)

    def test_a_damaged_release_is_never_made_current(self, releases: Path, publish_number: Publish) -> None:
        first, second = publish_number(1), publish_number(2)
        flip_one_bit(first.path)
        with pytest.raises(ReleaseDamaged):
            rollback(releases, first.id)
        with pytest.raises(ReleaseNotFound):
            rollback(releases)
        assert current(releases) == second


class TestExpire:
    def test_old_ones_go_but_never_the_current_or_the_newest(
        self, releases: Path, publish_number: Publish
    ) -> None:
        made = [publish_number(number) for number in range(5)]
        rollback(releases, made[0].id)
        later = datetime.now(UTC) + timedelta(days=31)
        assert expire(releases, keep_days=30, keep_min=2, now=later) == [made[2].id, made[1].id]
        assert list_releases(releases) == [made[4], made[3], made[0]]

    def test_young_ones_stay(self, releases: Path, publish_number: Publish) -> None:
        made = [publish_number(number) for number in range(4)]
        assert expire(releases, keep_days=30) == []
        assert len(list_releases(releases)) == len(made)

    def test_a_reader_finishes_on_a_release_that_was_deleted(
        self, releases: Path, publish_number: Publish, reader: ReleaseReader
    ) -> None:
        publish_number(1)
        with reader.query(ACME) as session:
            gone = session.release
            publish_number(2), publish_number(3)
            assert expire(releases, keep_days=0, keep_min=1, now=datetime.now(UTC) + timedelta(1))
            assert not gone.path.exists()
            assert session.fetch("select distinct number from marts.sales").rows == [(1,)]


@pytest.mark.parametrize("damage", [cut_short, flip_one_bit, Path.unlink])
class TestDamage:
    def test_a_reader_falls_back_to_the_newest_sound_release_and_says_so(
        self, releases: Path, publish_number: Publish, reader: ReleaseReader, damage: Callable[[Path], None]
    ) -> None:
        publish_number(1), publish_number(2)
        damage(publish_number(3).path)
        assert reader.fetch(ACME, "select distinct number from marts.sales").rows == [(2,)]
        assert reader.problem is not None
        assert "current release cannot be used" in reader.problem

    def test_a_sound_publish_ends_the_trouble(
        self, releases: Path, publish_number: Publish, reader: ReleaseReader, damage: Callable[[Path], None]
    ) -> None:
        damage(publish_number(1).path)
        assert current(releases) is None
        with pytest.raises(ReleaseNotFound):
            _ = reader.release
        second = publish_number(2)
        assert reader.release == second
        assert reader.problem is None


@pytest.mark.parametrize("text", ["", "nonsense", "../1", "\x00"])
def test_a_pointer_that_makes_no_sense_is_not_followed(
    releases: Path, publish_number: Publish, text: str
) -> None:
    release = publish_number(1)
    (releases / "current").write_text(text)
    assert current(releases) == release
