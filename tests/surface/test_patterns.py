"""R13: no pattern of ours takes long, whatever it is given.

Every regular expression that stands in the program is read from its source, and the way in which it is used. It meets
texts of 50 kB made of its own parts, so that as much as possible of it almost fits, again and again.
"""

from __future__ import annotations

import ast
import re
import signal
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("serve", "warehouse", "ml", "pipelines")
TEXT_BYTES = 50_000
LONGEST_S = 0.1
GIVEN_UP_S = 2.0
WAYS = {"match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer"}
CATEGORIES = {
    sre.CATEGORY_DIGIT: "7",
    sre.CATEGORY_NOT_DIGIT: "x",
    sre.CATEGORY_SPACE: " ",
    sre.CATEGORY_NOT_SPACE: "x",
    sre.CATEGORY_WORD: "w",
    sre.CATEGORY_NOT_WORD: "-",
}


class Pattern(NamedTuple):
    """One of the program's, and how it is asked."""

    place: str
    text: str | bytes
    flags: int
    way: str


def patterns() -> dict[str, Pattern]:
    found: dict[str, Pattern] = {}
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            for pattern in patterns_in(path.read_text(), str(path.relative_to(ROOT))):
                found[f"{pattern.place} {pattern.way} {pattern.text!r}"[:150]] = pattern
    return found


def patterns_in(source: str, place: str) -> Iterator[Pattern]:
    """As far as they stand there as words; one without a known use is searched for, which takes longest."""
    tree = ast.parse(source)
    used: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in WAYS and isinstance(node.value, ast.Name):
            used.setdefault(node.value.id, set()).add(node.attr)
    named = {
        id(node.value): node.targets[0].id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        of_re = isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", "") == "re"
        here = f"{place}:{node.lineno}"
        if of_re and called in {*WAYS, "compile"} and node.args and isinstance(node.args[0], ast.Constant):
            ways = {called} if called != "compile" else used.get(named.get(id(node), ""), {"search"})
            for way in sorted(ways):
                yield Pattern(here, node.args[0].value, _flags(node), way)
        for word in node.keywords:  # of models; there Rust's linear engine decides, and elsewhere a client's
            if word.arg == "pattern" and isinstance(word.value, ast.Constant):
                yield Pattern(here, word.value.value, 0, "search")


def _flags(call: ast.Call) -> int:
    said = [*call.args[1:], *(word.value for word in call.keywords if word.arg == "flags")]
    names = {node.attr for each in said for node in ast.walk(each) if isinstance(node, ast.Attribute)}
    return int(sum(getattr(re, name) for name in names if name.isupper()))


def letters_of(parsed: Any) -> Iterator[str]:
    """A letter for each part of a pattern that takes one."""
    for op, value in parsed:
        if op in (sre.LITERAL, sre.NOT_LITERAL):
            yield chr(value) if op is sre.LITERAL else "x"
        elif op is sre.ANY:
            yield "x"
        elif op is sre.IN:
            yield from _letters_in(value)
        elif op in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
            yield from letters_of(value[2])
        elif op is sre.SUBPATTERN:
            yield from letters_of(value[3])
        elif op is sre.BRANCH:
            for branch in value[1]:
                yield from letters_of(branch)
        elif op in (sre.ASSERT, sre.ASSERT_NOT):
            yield from letters_of(value[1])
        elif op is sre.ATOMIC_GROUP:
            yield from letters_of(value)


def _letters_in(items: Any) -> Iterator[str]:
    for op, value in items:
        if op is sre.NEGATE:
            yield "x"
        elif op is sre.LITERAL:
            yield chr(value)
        elif op is sre.RANGE:
            yield chr(value[0])
            yield chr(value[1])
        elif op is sre.CATEGORY:
            yield CATEGORIES[value]


def texts(pattern: Pattern) -> Iterator[str]:
    order = list(letters_of(parser.parse(pattern.text, pattern.flags)))
    letters = list(dict.fromkeys([*order, "x", " ", "0", "\n"]))[:10]
    whole = "".join(order) or "x"
    for one in letters:
        yield one * TEXT_BYTES
        yield one * TEXT_BYTES + "\x01"
        yield whole + one * TEXT_BYTES + "\x01"
        yield "\n" + one * TEXT_BYTES + "\x01"
        for other in letters:
            if other != one:
                yield (one + other) * (TEXT_BYTES // 2) + "\x01"
                yield one + other * TEXT_BYTES + "\x01"
    for length in range(1, min(len(whole), 40) + 1):
        part = whole[:length]
        yield part * (TEXT_BYTES // length) + "\x01"


class TooLong(Exception):
    pass


@contextmanager
def given_up() -> Iterator[None]:
    """By the processor's time: others may keep this one waiting."""

    def stop(*_: object) -> None:
        raise TooLong

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, GIVEN_UP_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def slowest_s(pattern: Pattern) -> tuple[float, str]:
    """The longest that it takes, and for which text."""
    compiled = re.compile(pattern.text, pattern.flags)
    is_bytes = isinstance(pattern.text, bytes)
    worst = (0.0, "")
    for text in texts(pattern):
        subject: Any = text.encode("latin-1", "replace") if is_bytes else text
        ask = getattr(compiled, pattern.way)
        began = time.process_time()
        try:
            with given_up():
                if pattern.way in ("sub", "subn"):
                    ask(b"" if is_bytes else "", subject)
                elif pattern.way == "finditer":
                    deque(ask(subject), maxlen=0)  # a list of all would be timed with the pattern
                else:
                    ask(subject)
        except TooLong:
            return GIVEN_UP_S, text[:60]
        worst = max(worst, (time.process_time() - began, text[:60]))
    return worst


PATTERNS = patterns()


def test_most_patterns_are_found():
    assert len(PATTERNS) >= 55, len(PATTERNS)


@pytest.mark.parametrize("name", PATTERNS)
def test_it_is_never_slow(name):
    taken_s, text = slowest_s(PATTERNS[name])
    assert taken_s < LONGEST_S, f"{taken_s:.2f} s for a text that begins {text!r}"


@pytest.mark.parametrize(
    "careless", [r"(a+)+$", r"\s+$", r"(\w+\s?)*!", r"^(([a-z])+.)+[A-Z]([a-z])+$", r"a*a*a*b"]
)
def test_a_careless_one_is_noticed(careless):
    assert slowest_s(Pattern("here", careless, 0, "search"))[0] > LONGEST_S
