"""The page about ASVS: no requirement is missing, and what it names is there. And what no other test shows of it."""

from __future__ import annotations

import ast
import asyncio
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from serve.identity.accounts.rules import check_password
from serve.identity.accounts.schemas import ResetRequest
from serve.identity.auth.passwords import Passwords
from serve.identity.auth.schemas import LoginRequest, MeChange
from serve.identity.invitations.schemas import Acceptance

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/security/asvs.md"
PAGES = ROOT / "serve/pages"
VERDICTS = ("met", "partly", "not met", "not applicable")
SECTIONS = {
    6: (3, 12, 8, 6, 8, 4, 2, 4),
    7: (3, 4, 2, 5, 3, 2),
    9: (3, 4),
    10: (2, 3, 5, 16, 5, 2, 3),
}
"""How many requirements each section of ASVS 5.0.0 has."""
EASY = {
    *("6.1.1", "6.2.1", "6.2.2", "6.2.3", "6.2.4", "6.2.5", "6.2.6", "6.2.7", "6.2.8", "6.3.1", "6.3.2"),
    *("6.4.1", "6.4.2", "7.2.1", "7.2.2", "7.2.3", "7.2.4", "7.4.1", "7.4.2", "9.1.1", "9.1.2", "9.1.3"),
    *("9.2.1", "10.4.1", "10.4.2", "10.4.3", "10.4.4", "10.4.5"),
}
HARD = {
    *("6.3.5", "6.3.6", "6.3.7", "6.3.8", "6.4.5", "6.4.6", "6.5.6", "6.5.7", "6.5.8", "6.6.4", "6.7.1"),
    *("6.7.2", "7.5.3", "10.2.3", "10.3.5", "10.4.12", "10.4.13", "10.4.14", "10.4.15", "10.4.16"),
}
"""Requirements of level 1 and of level 3; the others are of level 2."""


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


LINES = PAGE.read_text().splitlines()
ROWS = [cells(line) for line in LINES if re.match(r"\| \d+\.\d+\.\d+ \|", line)]


@cache
def defined(path: Path) -> frozenset[str]:
    """Tests of a file, as ``test_name`` or ``Class::test_name``."""
    found = set()
    for node in ast.parse(path.read_text()).body:
        inner = node.body if isinstance(node, ast.ClassDef) else [node]
        start = f"{node.name}::" if isinstance(node, ast.ClassDef) else ""
        found |= {
            f"{start}{each.name}"
            for each in inner
            if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef)) and each.name.startswith("test_")
        }
    return frozenset(found)


class TestLines:
    def test_every_requirement_is_there_once(self):
        asked = [
            f"{chapter}.{section}.{number}"
            for chapter, sections in SECTIONS.items()
            for section, count in enumerate(sections, 1)
            for number in range(1, count + 1)
        ]
        assert len(asked) == 109
        assert [row[0] for row in ROWS] == asked

    def test_levels_are_those_of_the_standard(self):
        levels = {row[0]: "1" if row[0] in EASY else "3" if row[0] in HARD else "2" for row in ROWS}
        assert {row[0]: row[1] for row in ROWS} == levels

    def test_each_has_six_cells_and_a_verdict(self):
        for row in ROWS:
            assert len(row) == 6, row
            assert row[2], row[0]
            assert row[3] in VERDICTS, row[0]

    def test_what_shows_it_exists(self):
        for number, _, _, _, shown, _ in ROWS:
            names = re.findall(r"`([^`]+)`", shown)
            assert names, number
            assert re.sub(r"`[^`]+`", "", shown).strip(", ") == "", number
            for name in names:
                file, _, test = name.partition("::")
                path = ROOT / file
                assert path.is_file(), (number, file)
                assert not test or test in defined(path), (number, name)

    def test_what_is_not_met_has_a_reason(self):
        for number, _, _, verdict, _, remark in ROWS:
            assert verdict == "met" or len(remark.split()) >= 4, number

    def test_the_counts_are_right(self):
        titles = {
            6: "V6 Authentication",
            7: "V7 Session management",
            9: "V9 Self-contained tokens",
            10: "V10 OAuth and OIDC",
        }
        groups = {titles[n]: [row for row in ROWS if row[0].startswith(f"{n}.")] for n in titles}
        groups |= {f"Level {n}": [row for row in ROWS if row[1] == str(n)] for n in (1, 2, 3)}
        groups["All"] = ROWS
        for title, rows in groups.items():
            counts = Counter(row[3] for row in rows)
            expected = [title, *map(str, (len(rows), *(counts[verdict] for verdict in VERDICTS)))]
            assert [cells(line) for line in LINES if line.startswith(f"| {title} |")] == [expected]


class TestPages:
    """6.2.6 and 6.2.7."""

    def test_password_fields_are_masked_and_known_to_password_managers(self):
        fields = re.findall(r"<input[^>]*>", "".join(page.read_text() for page in PAGES.rglob("*.html")))
        of_passwords = [field for field in fields if "password" in field]
        assert of_passwords
        for field in of_passwords:
            assert 'type="password"' in field
            assert re.search(r'autocomplete="(current|new)-password"', field)
        scripts = "".join(script.read_text() for script in PAGES.rglob("*.js"))
        assert not re.search(r"type\s*[=:]\s*[\"']password", scripts)  # all fields stand in the pages

    def test_nobody_listens_to_pasting(self):
        for file in PAGES.rglob("*"):
            if file.suffix in (".js", ".html"):
                assert not re.search(r"\bon(before)?paste\b|[\"'](before)?paste[\"']", file.read_text()), file


class TestPasswords:
    """6.2.8 and 6.2.9."""

    @pytest.mark.parametrize(
        "sent", ["  Two spaces around  ", "ÄÖÜ and ﬁne ﬀ ligatures", "e\u0301 is not é\tat all"]
    )
    def test_they_are_taken_as_they_are_sent(self, sent):
        email, token = "ada@example.com", "x" * 43
        read = (
            LoginRequest(email=email, password=sent),
            ResetRequest(token=token, password=sent),
            MeChange(password=sent, current_password=sent),
            Acceptance(token=token, password=sent),
        )
        assert {each.password for each in read} == {sent}
        judge = Passwords()
        stored = asyncio.run(judge.hash(sent))
        assert asyncio.run(judge.matches(stored, sent))
        for other in {sent.strip(), sent.swapcase(), sent[:-1]} - {sent}:
            assert not asyncio.run(judge.matches(stored, other))

    def test_they_may_be_long(self):
        long = "a long one: " + "x" * 1011 + "y"
        assert len(long) == 1024
        check_password(long, shortest=10)
        assert LoginRequest(email="ada@example.com", password=long).password == long
        assert MeChange(password=long).password == long
        judge = Passwords()
        assert not asyncio.run(judge.matches(asyncio.run(judge.hash(long)), long[:-1] + "z"))
