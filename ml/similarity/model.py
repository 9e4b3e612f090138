"""Texts as points, those about the same close to each other: TF-IDF of words and of pieces, reduced by an SVD.

Everything is learned from the texts themselves, so it takes a second and no weights from elsewhere. What it learned
is kept as arrays, never as code.
"""

from __future__ import annotations

import hashlib
import io
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.cores import one_core
from ml.similarity.features import counts
from ml.terms import NotEnoughData

FEWEST_TEXTS = 3
MOST_DIMENSIONS = 100
MOST_TERMS = 12_000
"""Of each kind, those that are in the most texts."""
FORMAT = 1

Vectors = NDArray[np.float32]
"""One row a text. Those learned from have length 1; another's is the part of it that is known (0 to 1), so the product
of two is low for a text about something else, and 0 for one of unknown words."""


@dataclass(frozen=True)
class Similarity:
    """``vocabularies`` are columns by term, of words and of pieces; ``directions`` has a row for each column."""

    vocabularies: tuple[dict[str, int], dict[str, int]]
    weights: NDArray[np.float32]
    directions: NDArray[np.float32]

    @property
    def dimensions(self) -> int:
        return int(self.directions.shape[1])

    def project(self, texts: Sequence[str]) -> Vectors:
        """Where the texts lie. A text of unknown terms alone lies nowhere: its row is 0."""
        points = np.zeros((len(texts), self.dimensions), np.float32)
        for row, text in enumerate(texts):
            columns, values = _weighed(counts(text), self.vocabularies, self.weights)
            if len(columns):
                points[row] = values @ self.directions[columns] / math.sqrt(2)
        return points

    def to_bytes(self) -> bytes:
        """An ``npz`` archive of plain arrays."""
        kept = io.BytesIO()
        terms = ["\n".join(sorted(each, key=each.__getitem__)) for each in self.vocabularies]
        np.savez_compressed(
            kept,
            format=np.int64(FORMAT),
            words=np.frombuffer(terms[0].encode(), np.uint8),
            pieces=np.frombuffer(terms[1].encode(), np.uint8),
            weights=self.weights,
            directions=self.directions,
        )
        return kept.getvalue()

    @classmethod
    def from_bytes(cls, kept: bytes) -> Similarity:
        """Raises ValueError for what ``to_bytes`` of this format has not made."""
        with np.load(io.BytesIO(kept), allow_pickle=False) as found:
            if int(found["format"]) != FORMAT:
                raise ValueError("a model of another format: it must be trained anew")
            lists = [found[name].tobytes().decode().split("\n") for name in ("words", "pieces")]
            vocabularies, start = [], 0
            for terms in lists:
                vocabularies.append({term: start + place for place, term in enumerate(terms)})
                start += len(terms)
            return cls((vocabularies[0], vocabularies[1]), found["weights"], found["directions"])


def fit(texts: Sequence[str], *, seed: int) -> tuple[Similarity, Vectors]:
    """What is learned from the texts, and where they lie themselves. The same texts give the same.

    Raises NotEnoughData for fewer than ``FEWEST_TEXTS`` that differ.
    """
    if len(set(texts)) < FEWEST_TEXTS:
        raise NotEnoughData(f"fewer than {FEWEST_TEXTS} different texts")
    from scipy.sparse import csr_matrix
    from sklearn.decomposition import TruncatedSVD

    counted = [counts(text) for text in texts]
    vocabularies, weights = _vocabularies(counted)
    rows = [_weighed(each, vocabularies, weights) for each in counted]
    ends = np.cumsum([0, *(len(columns) for columns, _ in rows)])
    columns = np.concatenate([columns for columns, _ in rows])
    values = np.concatenate([values for _, values in rows])
    table = csr_matrix((values, columns, ends), shape=(len(texts), len(weights)))
    dimensions = min(MOST_DIMENSIONS, len(texts) - 1, len(weights) - 1)
    if dimensions < 1:
        raise NotEnoughData("texts without words")
    with one_core():
        svd = TruncatedSVD(dimensions, random_state=seed, n_iter=7).fit(table)
    found = Similarity(vocabularies, weights, np.ascontiguousarray(svd.components_.T, np.float32))
    return found, _of_length_1(np.asarray(table @ found.directions, np.float32))


def digest(texts: Sequence[str], *, seed: int) -> str:
    """Of everything that the model depends on: equal for those who would learn the same."""
    said = hashlib.sha256(f"{FORMAT} {seed} {MOST_DIMENSIONS} {MOST_TERMS}".encode())
    for text in texts:
        said.update(hashlib.sha256(text.encode()).digest())
    return said.hexdigest()


def _vocabularies(
    counted: Sequence[tuple[Counter[str], Counter[str]]],
) -> tuple[tuple[dict[str, int], dict[str, int]], NDArray[np.float32]]:
    """The terms of both kinds and how much each tells: the rarer, the more."""
    vocabularies: list[dict[str, int]] = []
    weights: list[float] = []
    for kind in (0, 1):
        texts_with: Counter[str] = Counter()
        for each in counted:
            texts_with.update(each[kind].keys())
        kept = sorted(sorted(texts_with), key=lambda term: -texts_with[term])[:MOST_TERMS]
        vocabularies.append({term: len(weights) + place for place, term in enumerate(kept)})
        weights += [1 + math.log((1 + len(counted)) / (1 + texts_with[term])) for term in kept]
    return (vocabularies[0], vocabularies[1]), np.asarray(weights, np.float32)


def _weighed(
    counted: tuple[Counter[str], Counter[str]],
    vocabularies: tuple[dict[str, int], dict[str, int]],
    weights: NDArray[np.float32],
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The columns of a text and its values there; words and pieces have the same say.

    A term that nobody has learned tells as much as the rarest: it makes all the others count less.
    """
    rarest = float(weights.max(initial=1.0))
    columns: list[int] = []
    values: list[NDArray[np.float32]] = []
    for kind, vocabulary in zip(counted, vocabularies, strict=True):
        known = {vocabulary[term]: often for term, often in kind.items() if term in vocabulary}
        places = np.fromiter(known, np.int64, len(known))
        each = np.fromiter(known.values(), np.float32, len(known))
        part = (1 + np.log(each)) * weights[places] if known else each
        strange = sum((1 + math.log(often)) ** 2 for term, often in kind.items() if term not in vocabulary)
        length = math.sqrt(float(part @ part) + strange * rarest**2)
        columns += known
        values.append((part / length if length else part).astype(np.float32))
    return np.asarray(columns, np.int64), np.concatenate(values)


def _of_length_1(points: NDArray[np.float32]) -> Vectors:
    lengths = np.linalg.norm(points, axis=1, keepdims=True)
    scaled: Vectors = np.divide(points, lengths, out=np.zeros_like(points), where=lengths > 0)
    return scaled
