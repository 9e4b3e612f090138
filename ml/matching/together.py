"""Rows taken together: two that have little in common may both be like a third, or be parted by it.

A person is a set of rows. Of each field, what a set says for itself is the heaviest tree that connects its rows (Chow
and Liu, 1968): three rows with one number and one with another are two agreements and one difference, however many
pairs they make. The likeliest sets are joined first, as long as one person is likelier than two.
"""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from collections.abc import Iterable
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl

from ml.matching import kin

COMPARED = ("given", "family", "email", "phone", "company", "city")

Rows = tuple[int, ...]
Pair = tuple[int, int]

MOST_BITS = 60.0
MOST_SPLIT = 8
"""A set of more rows is not taken apart in every way, but row by row."""


class Evidence:
    """What is known of rows and of pairs; a row is named by its place in ``ids``."""

    def __init__(
        self,
        rows: pl.DataFrame,
        pairs: pl.DataFrame,
        settings: dict[str, Any],
        kinds: list[kin.Kin],
    ) -> None:
        rows = rows.sort("unique_id")
        self.ids: list[str] = rows["unique_id"].to_list()
        share = settings["probability_two_random_records_match"]
        self.prior_bits = float(np.log2(share / (1 - share)))
        self._known = [tuple(value is not None for value in row) for row in rows.select(COMPARED).iter_rows()]
        self._is_initial = [name is not None and len(name) == 1 for name in rows["given"]]
        self._differ = [_bits_of_difference(settings, field) for field in COMPARED]
        place = {row_id: number for number, row_id in enumerate(self.ids)}
        keys = [
            (place[left], place[right]) for left, right in pairs.select("left_id", "right_id").iter_rows()
        ]
        self.pairs: dict[Pair, tuple[float, ...]] = dict(
            zip(keys, pairs.select(COMPARED).iter_rows(), strict=True)
        )
        self._kin: list[dict[Pair, list[float]]] = [
            dict(zip(keys, kin.bits(pairs, settings, kind).tolist(), strict=True)) for kind in kinds
        ]
        self._told: dict[Rows, float] = {}

    def gain(self, one: Rows, other: Rows) -> float:
        """Bits for one person rather than two, whether strangers, relatives or colleagues."""
        return self.of(one + other) - self.of(one) - self.of(other) - self._kindred(one, other)

    def alone(self, pair: Pair) -> float:
        """What two rows say by themselves, within the bits that ``together`` tells at most."""
        return max(-MOST_BITS, min(self.gain(pair[:1], pair[1:]), MOST_BITS))

    def of(self, rows: Rows) -> float:
        """Bits for one person rather than as many as there are rows."""
        if len(rows) < 2:
            return 0.0
        rows = tuple(sorted(rows))
        if rows not in self._told:
            pairs = {pair: self.pairs.get(pair) for pair in combinations(rows, 2)}
            trees = sum(self._tree(field, rows, pairs) for field in range(len(COMPARED)))
            self._told[rows] = self.prior_bits * (len(rows) - 1) + trees
        return self._told[rows]

    def _tree(self, field: int, rows: Rows, pairs: dict[Pair, tuple[float, ...] | None]) -> float:
        known = [row for row in rows if self._known[row][field]]
        if len(known) < 2:
            return 0.0
        edges = sorted(
            (
                (self._differ[field] if bits is None else bits[field], pair)
                for pair, bits in pairs.items()
                if self._known[pair[0]][field] and self._known[pair[1]][field]
            ),
            reverse=True,
        )
        if COMPARED[field] == "given":
            # An initial is like many names, and must not connect two of them.
            edges.sort(key=lambda edge: self._is_initial[edge[1][0]] or self._is_initial[edge[1][1]])
        return _heaviest(known, edges)

    def _kindred(self, one: Rows, other: Rows) -> float:
        """By how much two relatives or colleagues are likelier than strangers; what two rows share, all share."""
        across = list(_across(one, other))
        odds = 0.0
        for of_kind in self._kin:
            if told := [found for pair in across if (found := of_kind.get(pair)) is not None]:
                odds += 2 ** min(sum(max(column) for column in zip(*told, strict=True)), MOST_BITS)
        return math.log2(1 + odds)


def together(evidence: Evidence) -> dict[Pair, float]:
    """The bits of each pair of rows to be one person: log2 of its odds. Pairs of which nothing is known are absent."""
    people, near = _joined(evidence)
    told: dict[Pair, float] = {}
    for name, rows in people.items():
        told.update(_within(evidence, rows))
        for other in near[name]:
            if other > name:
                gain = evidence.gain(rows, people[other])
                told.update(
                    dict.fromkeys(_across(rows, people[other]), max(-MOST_BITS, min(gain, MOST_BITS)))
                )
    return dict(sorted(told.items()))


def _joined(evidence: Evidence) -> tuple[dict[int, Rows], dict[int, set[int]]]:
    """Sets of rows that are one person each, and for each of them those that were compared with it."""
    people: dict[int, Rows] = {row: (row,) for row in range(len(evidence.ids))}
    near: dict[int, set[int]] = {row: set() for row in people}
    for left, right in evidence.pairs:
        near[left].add(right)
        near[right].add(left)
    waiting = [(-evidence.gain((left,), (right,)), left, right) for left, right in evidence.pairs]
    heapq.heapify(waiting)
    name = len(people)
    while waiting and waiting[0][0] < 0:
        _, one, other = heapq.heappop(waiting)
        if one not in people or other not in people:
            continue
        people[name] = people.pop(one) + people.pop(other)
        near[name] = (near.pop(one) | near.pop(other)) - {one, other}
        for third in near[name]:
            near[third] = (near[third] - {one, other}) | {name}
            heapq.heappush(waiting, (-evidence.gain(people[name], people[third]), third, name))
        name += 1
    return people, near


def _within(evidence: Evidence, rows: Rows) -> dict[Pair, float]:
    """Against each pair of one set speak all ways of taking it apart that part the two."""
    against: defaultdict[Pair, float] = defaultdict(float)
    for part in _parts(len(rows)):
        one = tuple(row for place, row in enumerate(rows) if part >> place & 1)
        other = tuple(row for place, row in enumerate(rows) if not part >> place & 1)
        odds = 2.0 ** -min(evidence.gain(one, other), MOST_BITS)
        for pair in _across(one, other):
            against[pair] += odds
    return {pair: -math.log2(odds) for pair, odds in against.items()}


def _parts(count: int) -> Iterable[int]:
    """Bits that say which rows are on one side."""
    if count < 2:
        return ()
    return range(1, 2 ** (count - 1)) if count <= MOST_SPLIT else (1 << place for place in range(count))


def _across(one: Rows, other: Rows) -> Iterable[Pair]:
    return ((left, right) if left < right else (right, left) for left in one for right in other)


def _heaviest(rows: list[int], edges: list[tuple[float, Pair]]) -> float:
    """The sum of the edges that connect all rows, taken in the order in which they are given (Kruskal).

    What speaks against it counts for each row of the smaller side: one wrong number is a slip, the same one in
    two rows is somebody else's.
    """
    sides: dict[int, Rows] = {row: (row,) for row in rows}
    total = 0.0
    for bits, (left, right) in edges:
        one, other = sides[left], sides[right]
        if one is other:
            continue
        total += bits if bits > 0 else bits * min(len(one), len(other))
        both = one + other
        if len(both) == len(rows):
            break
        sides |= dict.fromkeys(both, both)
    return total


def _bits_of_difference(settings: dict[str, Any], field: str) -> float:
    agree_m, agree_u = kin.agreeing(settings, field)
    return float(np.log2((1 - agree_m) / (1 - agree_u)))
