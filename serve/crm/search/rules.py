"""How somebody may have meant a word, and how well a row answers. No database, no clock."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence

from rapidfuzz.distance import OSA


def _plain(letter: str) -> str:
    """The letter without the signs on it."""
    return {"ø": "o", "ł": "l", "đ": "d"}.get(letter) or unicodedata.normalize("NFD", letter)[0]


MOST_WORDS = 8
SHORTEST, LONGEST = 4, 30
"""Letters of a word that may hold a slip: of a shorter one too many others are one letter away."""
LONG = 8
"""Letters from which on a word may be begun right and go on wrong."""
BEGINNING = 5
GOOD = 0.7
"""How alike a word must be to count: one mistake in four letters is 0.75."""

_LETTERS = "abcdefghijklmnopqrstuvwxyzäöüßéèçñ"
"""What may be missing or stand in the place of another."""
_FORMS = {
    letter: [
        form for form in "àáâãäåąāčćçďđèéêëęěėìíîïłľĺñńňòóôõöøőřŕśšşťţùúûüůűųýÿźžż" if _plain(form) == letter
    ]
    for letter in "abcdefghijklmnopqrstuvwxyz"
}
"""A letter with the signs that it is written with, and which are left out."""
_WORD = re.compile(r"[^\W_]+(?:[@.][^\W_]+)*")
_DIGITS = re.compile(r"[\d\s()+/.-]+")


def words_of(text: str) -> list[str]:
    """The words of a question or of a row, in small letters.

    >>> words_of("Müller, ADA <ada@example.org>")
    ['müller', 'ada', 'ada@example.org']
    """
    return [found[0].lower() for found in _WORD.finditer(text)]


def is_number(text: str) -> bool:
    """Whether the question is a telephone number.

    >>> is_number("+49 (421) 90-18"), is_number("Q-2026-0001"), is_number("4711")
    (True, False, False)
    """
    return bool(_DIGITS.fullmatch(text.strip())) and len(re.sub(r"\D", "", text)) >= 6


def otherwise(word: str) -> list[str]:
    """What the word may be a slip of: one letter less, more, other, or two in the wrong order. Nothing for numbers.

    >>> {"ada", "abda", "adam", "daam"} <= {*otherwise("adaam"), *otherwise("adba"), *otherwise("adma")}
    True
    """
    if not SHORTEST <= len(word) <= LONGEST or not word.isalpha():
        return []
    cut = [(word[:place], word[place:]) for place in range(len(word) + 1)]
    found = {before + after[1:] for before, after in cut if after}
    found |= {before + after[1] + after[0] + after[2:] for before, after in cut if len(after) > 1}
    found |= {
        before + letter + after[1:]
        for before, after in cut
        if after
        for letter in (*_LETTERS, *_FORMS.get(_plain(after[0]), ()), _plain(after[0]))
    }
    found |= {before + letter + after for before, after in cut for letter in _LETTERS}
    return sorted(found - {word})


def plainly(question: str, words: Sequence[str]) -> str:
    """For ``to_tsquery``: every word or its beginning; what stands together may be one, as in ``Q-2026-0001``."""
    together, apart = (
        " & ".join(f"{_quoted(each)}:*" for each in some) for some in (question.split(), words)
    )
    return f"({together}) | ({apart})"


def slips(words: Iterable[str]) -> dict[str, list[str]]:
    """By word, a term of ``to_tsquery`` for each of what it may be a slip of; none for a number or a short one."""
    found = {word: [_quoted(each) for each in otherwise(word)] for word in words}
    for word, others in found.items():
        if others and len(word) >= LONG:
            others.append(f"{_quoted(word[:BEGINNING])}:*")
    return found


def likely(meant: Mapping[str, Iterable[str]], in_use: Collection[str]) -> str | None:
    """For ``to_tsquery``: every word, its beginning, or what it may be a slip of (``slips``) and is in use.

    None where that asks for no more than the words as they are.
    """
    terms = [
        [f"{_quoted(word)}:*", *(term for term in others if term in in_use)] for word, others in meant.items()
    ]
    if all(len(each) == 1 for each in terms):
        return None
    return " & ".join(f"({' | '.join(each)})" for each in terms)


def rank(words: Sequence[str], title: str, texts: Iterable[str]) -> float:
    """How well a row answers, 0 to 1: each word by the word of the row that is most like it; the title counts more.

    0 where one of the words is not in the row at all.
    """
    at_hand = {word for text in texts for word in words_of(text)}
    of_title = set(words_of(title))
    total = 0.0
    for word in words:
        in_title = _likest(word, of_title)
        best = max(in_title, _likest(word, at_hand))
        if best < GOOD:
            return 0.0
        total += 0.9 * best + 0.1 * in_title
    return total / len(words) if words else 0.0


def _likest(asked: str, words: Collection[str]) -> float:
    """A word that is there itself is not compared with thousands of others: a row may be a whole article."""
    return 1.0 if asked in words else max((_alike(asked, each) for each in words), default=0.0)


def _alike(asked: str, word: str) -> float:
    """1 for the same, nearly so for a beginning, less by each slip."""
    if word.startswith(asked):
        return 0.9 + 0.1 * len(asked) / len(word)
    for part in re.split(r"[@.]", word):
        if part.startswith(asked):
            return 0.85 + 0.1 * len(asked) / len(word)
    return float(OSA.normalized_similarity(asked, word)) * 0.9 + (0.05 if asked[:1] == word[:1] else 0.0)


def _quoted(word: str) -> str:
    return "'" + word.replace("'", "''").replace("\\", "\\\\") + "'"
