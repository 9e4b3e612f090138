"""What is counted in a text: its words, pairs of them, and pieces of words."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from itertools import pairwise

MOST_CHARACTERS = 60_000
PIECES = (3, 4, 5)
_WORD = re.compile(r"\w+")


def words(text: str) -> list[str]:
    """In lower case and without accents.

    >>> words("Où est l'ÉCOLE?")
    ['ou', 'est', 'l', 'ecole']
    """
    parted = unicodedata.normalize("NFKD", text[:MOST_CHARACTERS].lower())
    return _WORD.findall("".join(letter for letter in parted if not unicodedata.combining(letter)))


def counts(text: str) -> tuple[Counter[str], Counter[str]]:
    """How often each word and pair of words is there, and each piece of a word with its edges.

    Pieces find what a stem or a spelling hides: ``tyre`` in ``tyres``, ``recieve`` beside ``receive``.

    >>> whole, pieces = counts("A bus")
    >>> sorted(whole), sorted(pieces)
    (['a', 'a bus', 'bus'], [' a ', ' bu', ' bus', ' bus ', 'bus', 'bus ', 'us '])
    """
    found = words(text)
    whole = Counter(found)
    whole.update(f"{first} {second}" for first, second in pairwise(found))
    pieces: Counter[str] = Counter()
    for word, often in Counter(found).items():
        edged = f" {word[:50]} "
        for length in PIECES:
            for start in range(len(edged) - length + 1):
                pieces[edged[start : start + length]] += often
    return whole, pieces
