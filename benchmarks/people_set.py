"""People with rows about them, and the mistakes that rows have: which are one person is known.

The error model stands in ``ml/matching/CARD.md``. What is drawn from are four sets of lists that share no word
(``people_lists``): the matcher may be looked at on ``TUNING``; the others are for measuring alone.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import numpy as np
import polars as pl

from benchmarks.people_lists import Lists

_COUNTRIES = {"+49": "DE", "+44": "GB", "+43": "AT", "+46": "SE"}

COLUMNS = ("unique_id", "person", "kind", "full_name", "email", "phone", "company", "city", "country")


def rows_of_people(lists: Lists, *, people: int, seed: int) -> pl.DataFrame:
    """Rows with ``COLUMNS``; those with one ``person`` are one person's."""
    return _Drawing(lists, people, np.random.default_rng(seed)).rows()


@dataclass
class _Person:
    number: int
    first: str
    last: str
    email: str
    phone: str
    city: str
    company: str | None
    has_shared_email: bool = False


class _Drawing:
    def __init__(self, lists: Lists, people: int, rng: np.random.Generator) -> None:
        self.lists, self.count, self.rng = lists, people, rng
        self.companies = self._companies(max(10, people // 12))

    def rows(self) -> pl.DataFrame:
        people: list[_Person] = []
        while len(people) < self.count:
            people += self._household(len(people)) if self._is(0.09) else [self._person(len(people))]
        found = [
            self._row(person, number)
            for person in people
            for number in range(1 + int(self.rng.choice(4, p=(0.45, 0.35, 0.15, 0.05))))
        ]
        order = self.rng.permutation(len(found))
        data = [(f"r{place:06}", *found[index]) for place, index in enumerate(order)]
        return pl.DataFrame(data, schema=list(COLUMNS), orient="row", infer_schema_length=None)

    def _is(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def _one(self, of: list[str]) -> str:
        return of[int(self.rng.integers(len(of)))]

    def _frequent(self, of: list[str]) -> str:
        weights = 1 / (np.arange(len(of)) + 5)
        return of[int(self.rng.choice(len(of), p=weights / weights.sum()))]

    def _number(self) -> str:
        return "".join(str(digit) for digit in self.rng.integers(0, 10, 8))

    def _phone(self) -> str:
        return f"{self.lists.country_code} {self.rng.integers(20, 99)} {self._number()}"

    def _companies(self, count: int) -> list[tuple[str, str, str]]:
        """(name with legal form, number of the switchboard, mail host)."""
        made: list[tuple[str, str, str]] = []
        for number in range(count):
            head = f"{self._one(self.lists.company)} {self._one(self.lists.last)}"
            if made and self._is(0.3):
                head = made[int(self.rng.integers(len(made)))][0].rsplit(" ", 2)[0].split(" ")[0]
                head = f"{head} {self._one(self.lists.last)}" if self._is(0.5) else head
            name = f"{head} {self._one(self.lists.trade)} {self._one(self.lists.form)}"
            made.append((name, self._phone(), f"company{number}.example"))
        return made

    def _person(self, number: int) -> _Person:
        first, last = self._frequent(self.lists.first), self._frequent(self.lists.last)
        email = self._email(first, last)
        person = _Person(number, first, last, email, self._phone(), self._one(self.lists.city), None)
        if self._is(0.5):
            company, switchboard, host = self.companies[int(self.rng.integers(len(self.companies)))]
            person.company = company
            if self._is(0.15):
                person.phone = switchboard
            if self._is(0.05):
                person.email, person.has_shared_email = f"info@{host}", True
        return person

    def _email(self, first: str, last: str) -> str:
        local = _ascii(
            self._one([f"{first}.{last}", f"{first[0]}{last}", f"{last}{self.rng.integers(1, 99)}"])
        )
        return f"{local}{self.rng.integers(1, 999)}@{self._one(self.lists.host)}".lower()

    def _household(self, number: int) -> list[_Person]:
        members = [self._person(number + place) for place in range(int(self.rng.integers(2, 5)))]
        head = members[0]
        one_number, one_address = self._is(0.7), self._is(0.1)
        for place, member in enumerate(members[1:], 1):
            while member.first in {each.first for each in members[:place]}:  # but for father and son, below
                member.first = self._frequent(self.lists.first)
            member.last, member.city = head.last, head.city
            member.email = self._email(member.first, member.last)
            if one_number:
                member.phone = head.phone
            if one_address:
                member.email = head.email
        if self._is(0.02):
            members[1].first = head.first
        return members

    def _row(self, person: _Person, number: int) -> tuple[object, ...]:
        return (
            person.number,
            self._one(["contact", "lead", "lead", "user", "provider"]),
            self._name(person),
            self._address(person),
            self._telephone(person),
            self._work(person),
            None if self._is(0.3) else self._one(self.lists.city) if self._is(0.04) else person.city,
            _COUNTRIES[self.lists.country_code],
        )

    def _name(self, person: _Person) -> str:
        first, last = person.first, person.last
        if self._is(0.02):
            last = self._frequent(self.lists.last)
        if first in self.lists.nicknames and self._is(0.1):
            first = self.lists.nicknames[first]
        if self._is(0.04):
            first = f"{first[0]}."
        if self._is(0.12):
            if self._is(0.5) and len(first) > 2:
                first = self._slip(first)
            else:
                last = self._slip(last)
        if self._is(0.5):
            first, last = (_ascii(each) if self._is(0.5) else _two_letters(each) for each in (first, last))
        if self._is(0.08):
            return f"{last}, {first}" if self._is(0.5) else f"{last} {first}"
        return f"{first} {last}"

    def _slip(self, word: str) -> str:
        place = int(self.rng.integers(0, len(word) - 1))
        letter = "abcdefghijklmnopqrstuvwxyz"[int(self.rng.integers(26))]
        return [
            word[:place] + word[place + 1 :],
            word[:place] + word[place] + word[place:],
            word[:place] + letter + word[place + 1 :],
            word[:place] + word[place + 1] + word[place] + word[place + 2 :],
        ][int(self.rng.integers(4))]

    def _address(self, person: _Person) -> str | None:
        if self._is(0.15):
            return None
        if self._is(0.08):
            return self._email(person.first, person.last)
        if self._is(0.02):
            local, _, host = person.email.partition("@")
            return f"{self._slip(local)}@{host}"
        return person.email

    def _telephone(self, person: _Person) -> str | None:
        if self._is(0.15):
            return None
        number = self._phone() if self._is(0.08) else person.phone
        code, area, rest = number.split(" ")
        return self._one(
            [
                number,
                f"{code}{area}{rest}",
                f"0{area} {rest}",
                f"0{area}/{rest}",
                f"00{code[1:]} {area} {rest[:4]} {rest[4:]}",
            ]
        )

    def _work(self, person: _Person) -> str | None:
        if person.company is None or self._is(0.4):
            return None
        for form in self.lists.form:
            if self._is(0.3) and person.company.endswith(f" {form}"):
                return person.company.removesuffix(f" {form}")
        return person.company


def _ascii(word: str) -> str:
    plain = unicodedata.normalize("NFKD", word.replace("ß", "ss").replace("ł", "l").replace("Ł", "L"))
    return "".join(each for each in plain if not unicodedata.combining(each)).replace(" ", "")


def _two_letters(word: str) -> str:
    for letter, two in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("Ö", "Oe"), ("ß", "ss")):
        word = word.replace(letter, two)
    return _ascii(word)
