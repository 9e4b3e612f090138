"""A tenant's own style rules: read, held against a list of what is allowed, and written anew.

Nothing of what was sent reaches a page: it is parsed by ``tinycss2`` and each part that the lists below know is written
out again in our own words. So whatever a browser would understand otherwise than we do is not there any more.

There are no colours but tokens, whose contrast is checked, and nothing that moves, hides or covers: no position, size,
display, opacity, transform, content or negative length. Addresses, functions, at-rules, escapes and ``!important`` are
refused wherever they stand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import tinycss2

from serve.identity.branding.colours import GROUNDS, TEXTS
from serve.identity.branding.errors import StyleRefused

FIELD = "customization.custom_css"
MOST_RULES = 200
MOST_REFUSALS = 20
CLASSES = frozenset(
    {
        *("banner", "brand", "brand-name", "business", "businesses", "card", "controls", "door", "hint"),
        *("legal", "note", "panel", "person", "pill", "quiet", "segments", "tile", "top", "value"),
    }
)
"""What rules may name: classes of our pages that stay. A test looks whether the pages have them."""
STATES = frozenset({"hover", "focus-visible"})
_PRINTABLE = re.compile(r"[^\n\t\x20-\x7e]")
_NEVER = {"\\": "an escape", "<": "markup", "@": "an at-rule"}


class Refusal(NamedTuple):
    line: int
    column: int
    why: str


class _Refused(Exception):
    def __init__(self, node: Any, why: str) -> None:
        self.refusal = Refusal(node.source_line, node.source_column, why)


def styles(source: str) -> str:
    """The rules as a page gets them. Raises StyleRefused naming line, column and reason of what is not allowed."""
    found, refusals = read(source)
    if refusals:
        raise StyleRefused(
            details=[(FIELD, f"line {line}, column {column}: {why}") for line, column, why in refusals]
        )
    return found


def read(source: str) -> tuple[str, list[Refusal]]:
    """What is allowed of it, written anew, and the refusals of the rest."""
    refusals = list(_characters(source))
    if refusals:
        return "", refusals[:MOST_REFUSALS]
    rules = []
    parsed = tinycss2.parse_stylesheet(source, skip_comments=True, skip_whitespace=True)
    for node in parsed:
        try:
            rules.append(_rule(node, refusals))
        except _Refused as refused:
            refusals.append(refused.refusal)
    if len(parsed) > MOST_RULES:
        refusals.append(Refusal(parsed[MOST_RULES].source_line, 1, f"more than {MOST_RULES} rules"))
    return "".join(rules), refusals[:MOST_REFUSALS]


def _characters(source: str) -> Iterator[Refusal]:
    for number, line in enumerate(source.split("\n"), 1):
        for found in _PRINTABLE.finditer(line):
            yield Refusal(number, found.start() + 1, f"the character U+{ord(found[0]):04X} is not taken")
        for character, name in _NEVER.items():
            if (place := line.find(character)) >= 0:
                yield Refusal(number, place + 1, f"{name} ({character}) is not taken")


def _rule(node: Any, refusals: list[Refusal]) -> str:
    if node.type != "qualified-rule":
        raise _Refused(node, f"{_named(node)} is no rule: write .class {{ property: value }}")
    selector = _selector(node)
    declarations = []
    for each in tinycss2.parse_blocks_contents(node.content, skip_comments=True, skip_whitespace=True):
        try:
            declarations.append(_declaration(each))
        except _Refused as refused:
            refusals.append(refused.refusal)
    return f"{selector}{{{';'.join(declarations)}}}\n"


# Selectors: classes of ours, one within another, in one of two states


def _selector(rule: Any) -> str:
    """Compounds of classes, separated by white space or commas."""
    written: list[str] = []
    parts = [part for part in rule.prelude if part.type != "comment"]
    place = 0
    while place < len(parts):
        part = parts[place]
        following = parts[place + 1] if place + 1 < len(parts) else None
        if part.type == "whitespace":
            written.append(" ")
        elif part == "," and following is not None:
            written.append(",")
        elif part == "." and _is_word(following, CLASSES):
            written.append(f".{following.value}")
            place += 1
        elif part == ":" and _is_word(following, STATES) and written and written[-1][0] == ".":
            written.append(f":{following.value}")
            place += 1
        else:
            raise _Refused(
                part,
                f"{_named(part)} is no selector of ours: use the classes {', '.join(sorted(CLASSES))}"
                f" and the states {', '.join(sorted(STATES))}",
            )
        place += 1
    selectors = [" ".join(one.split()) for one in "".join(written).split(",")]
    if not all(selectors):
        raise _Refused(rule, "a selector is empty")
    return ",".join(selectors)


def _is_word(token: Any, words: frozenset[str]) -> bool:
    return token is not None and token.type == "ident" and token.value in words


# Values: each property takes what its own check writes


Write = Callable[[Sequence[Any]], str]
"""The value in our own words. Raises _Refused, or ValueError with what is taken."""


def _words(*allowed: str) -> Write:
    def write(tokens: Sequence[Any]) -> str:
        if len(tokens) == 1 and tokens[0].type == "ident" and tokens[0].lower_value in allowed:
            return str(tokens[0].lower_value)
        raise ValueError(f"takes one of: {', '.join(allowed)}")

    return write


def _tokens(*names: str) -> Write:
    allowed = [f"--{name.replace('_', '-')}" for name in names]

    def write(tokens: Sequence[Any]) -> str:
        if len(tokens) == 1 and tokens[0].type == "function" and tokens[0].lower_name == "var":
            inside = _solid(tokens[0].arguments)
            if len(inside) == 1 and inside[0].type == "ident" and inside[0].value in allowed:
                return f"var({inside[0].value})"
        raise ValueError(f"takes one of: {', '.join(f'var({name})' for name in allowed)}")

    return write


def _lengths(most_px: float, *, most_count: int = 1, least_px: float = 0.0, also: str = "") -> Write:
    """Up to so many lengths from ``least_px`` to ``most_px``; a rem or em counts for 16 px."""

    def one(token: Any) -> str:
        if also and token.type == "ident" and token.lower_value == also:
            return also
        if token.type == "number" and token.value == 0 and least_px == 0:
            return "0"
        if token.type == "dimension" and token.lower_unit in ("px", "rem", "em"):
            size_px = token.value * (1 if token.lower_unit == "px" else 16)
            if least_px <= size_px <= most_px:
                return f"{_number(token.value)}{token.lower_unit}"
        least = f"{least_px:g} to " if least_px else "0 to "
        raise ValueError(f"takes lengths of {least}{most_px:g}px, in px, rem or em")

    def write(tokens: Sequence[Any]) -> str:
        if not 1 <= len(tokens) <= most_count:
            raise ValueError(f"takes 1 to {most_count} lengths" if most_count > 1 else "takes one length")
        return " ".join(one(token) for token in tokens)

    return write


def _numbers(least: float, most: float, *, words: tuple[str, ...] = ()) -> Write:
    def write(tokens: Sequence[Any]) -> str:
        if len(tokens) == 1:
            if tokens[0].type == "ident" and tokens[0].lower_value in words:
                return str(tokens[0].lower_value)
            if tokens[0].type == "number" and least <= tokens[0].value <= most:
                return _number(tokens[0].value)
        raise ValueError(
            f"takes a number from {least:g} to {most:g}{''.join(f' or {word}' for word in words)}"
        )

    return write


_SIDES = ("top", "right", "bottom", "left")
_LINES = _words("none", "solid", "dashed", "dotted", "double")
_EDGES = _tokens("hairline", "accent", "ink", "muted")
PROPERTIES: dict[str, Write] = {
    "color": _tokens(*TEXTS),
    "background-color": _tokens(*GROUNDS),
    "border-color": _EDGES,
    **{f"border-{side}-color": _EDGES for side in _SIDES},
    "border-style": _LINES,
    **{f"border-{side}-style": _LINES for side in _SIDES},
    "border-width": _lengths(8, most_count=4),
    **{f"border-{side}-width": _lengths(8) for side in _SIDES},
    "border-radius": _lengths(64, most_count=4),
    "box-shadow": lambda tokens: _either(_words("none"), _tokens("shadow"))(tokens),
    "padding": _lengths(64, most_count=4),
    **{f"padding-{side}": _lengths(64) for side in _SIDES},
    "margin": _lengths(64, most_count=4),
    **{f"margin-{side}": _lengths(64) for side in _SIDES},
    "gap": _lengths(64, most_count=2),
    "font-size": _lengths(40, least_px=11),
    "font-style": _words("normal", "italic"),
    "font-weight": _numbers(300, 900, words=("normal", "bold")),
    "letter-spacing": _lengths(4, also="normal"),
    "line-height": _numbers(1.1, 2.5, words=("normal",)),
    "text-align": _words("left", "right", "center", "start", "end"),
    "text-decoration-line": _words("none", "underline"),
    "text-transform": _words("none", "uppercase", "capitalize"),
}


def _either(*ways: Write) -> Write:
    def write(tokens: Sequence[Any]) -> str:
        told = []
        for way in ways:
            try:
                return way(tokens)
            except ValueError as error:
                told.append(str(error))
        raise ValueError(" or ".join(told))

    return write


def _declaration(node: Any) -> str:
    if node.type != "declaration":
        raise _Refused(node, f"{_named(node)} is no declaration: write property: value")
    write = PROPERTIES.get(node.lower_name)
    if write is None:
        raise _Refused(
            node, f"the property {node.name[:50]} is not allowed; these are: {', '.join(PROPERTIES)}"
        )
    if node.important:
        raise _Refused(node, "!important is not taken")
    tokens = _solid(node.value)
    try:
        return f"{node.lower_name}:{write(tokens)}"
    except ValueError as error:
        raise _Refused(tokens[0] if tokens else node, f"{node.lower_name} {error}") from error


def _solid(tokens: Sequence[Any]) -> list[Any]:
    return [token for token in tokens if token.type not in ("whitespace", "comment")]


def _number(value: float) -> str:
    return f"{value:.4f}".rstrip("0").rstrip(".")


def _named(node: Any) -> str:
    """What it is, for people."""
    if node.type == "error":
        return str(node.message)
    if node.type == "function":
        return f"{node.name[:50]}()"
    return str(getattr(node, "value", "") or node.type)[:50]
