"""People with rows about them, and the mistakes that rows have: which are one person is known.

The error model stands in ``ml/matching/CARD.md``. Three sets of lists that share no word: the matcher may be looked at
on ``TUNING``; ``HELD_OUT`` and ``HELD_OUT_2`` are for measuring alone.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import numpy as np
import polars as pl


def _words(text: str) -> list[str]:
    return text.split()


@dataclass(frozen=True)
class Lists:
    """What a set is drawn from; ``nicknames`` go by first name."""

    first: list[str]
    last: list[str]
    nicknames: dict[str, str]
    company: list[str]
    trade: list[str]
    form: list[str]
    city: list[str]
    host: list[str]
    country_code: str


TUNING = Lists(
    first=_words("""
        Anna Peter Jürgen Sabine Thomas Monika Andreas Ursula Stefan Petra Wolfgang Birgit Klaus Heike
        Michael Susanne Frank Claudia Uwe Andrea Bernd Karin Jörg Silke Dieter Gabriele Ralf Martina Günter
        Anja Matthias Katrin Torsten Renate Holger Ingrid Volker Nicole Rainer Simone Käthe Hans Friedrich
        Gisela Björn Ulrike Kerstin Markus Manuela Christian Daniela Sebastian Elke Hartmut Marlies Detlef
        Beate Lothar Dagmar Manfred
    """),
    last=_words("""
        Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schäfer Koch Bauer
        Richter Klein Wolf Schröder Neumann Schwarz Zimmermann Braun Krüger Hofmann Hartmann Lange Schmitt
        Werner Schmitz Krause Meier Lehmann Schmid Schulze Maier Köhler Herrmann König Walter Mayer Huber
        Kaiser Fuchs Peters Lang Scholz Möller Weiß Jung Hahn Schubert Vogel Friedrich Keller Günther Frank
        Berger Winkler Roth Beck Lorenz Baumann Franke Albrecht Schuster Simon Ludwig Böhm Winter Kraus
        Martin Schumacher Krämer Vogt Stein Jäger Otto Sommer Groß Seidel Heinrich Brandt Haas Schreiber
        Graf Schulte Dietrich Ziegler Kuhn Kühn Pohl Engel Horn Busch Bergmann
    """),
    nicknames={
        "Wolfgang": "Wolle",
        "Michael": "Micha",
        "Susanne": "Susi",
        "Andreas": "Andi",
        "Thomas": "Tom",
        "Stefan": "Steff",
        "Gabriele": "Gabi",
        "Matthias": "Matze",
        "Sebastian": "Basti",
        "Manuela": "Manu",
        "Christian": "Chris",
        "Ursula": "Uschi",
        "Katrin": "Kati",
        "Friedrich": "Fritz",
        "Ulrike": "Uli",
    },
    company=_words("""
        Nordlicht Hansa Elbe Weser Rhein Alpen Bavaria Adler Falken Eichen Linden Stern Sonnen Ring Kron
    """),
    trade=_words("""
        Logistik Bau Solar Haustechnik Transport Gebäudereinigung Sanitär Elektro Gartenbau Metallbau
    """),
    form=["GmbH", "AG", "GmbH & Co. KG", "KG", "OHG"],
    city=_words("""
        Bremen Hamburg Berlin München Köln Leipzig Dresden Hannover Nürnberg Essen Kiel Erfurt Mainz Ulm
    """),
    host=_words("""
        web.example mail.example gmx.example post.example
    """),
    country_code="+49",
)
HELD_OUT = Lists(
    first=_words("""
        James Mary Robert Patricia John Jennifer David Linda William Elizabeth Richard Barbara Joseph
        Jessica Charles Sarah Christopher Karen Daniel Lisa Matthew Nancy Anthony Margaret Mark Betty Donald
        Sandra Steven Ashley Paul Kimberly Andrew Emily Joshua Donna Kenneth Michelle Kevin Carol Brian
        Amanda George Melissa Timothy Deborah José María Zoë Renée François Siân Łukasz Ömer Chloé Ángel
        Noël Inès Edward Rebecca
    """),
    last=_words("""
        Smith Johnson Williams Brown Jones Garcia Miller Davis Rodriguez Martinez Hernandez Lopez Gonzalez
        Wilson Anderson Thomas-Reid Taylor Moore Jackson Thompson White Harris Sanchez Clark Ramirez Lewis
        Robinson Walker Young Allen King Wright Scott Torres Nguyen Hill Flores Green Adams Nelson Baker
        Hall Rivera Campbell Mitchell Carter Roberts Gómez Phillips Evans Turner Díaz Parker Cruz Edwards
        Collins Reyes Stewart Morris Morales Murphy Cook Rogers Gutiérrez Ortiz Morgan Cooper Peterson
        Bailey Reed Kelly Howard Ramos Kim Cox Ward Richardson Watson Brooks Chávez Wood James-Lee Bennett
        Gray Mendoza Ruiz Hughes Price Álvarez Castillo Sanders Patel Myers Long
    """),
    nicknames={
        "Robert": "Bob",
        "William": "Bill",
        "Richard": "Dick",
        "Elizabeth": "Liz",
        "Margaret": "Peggy",
        "Christopher": "Kit",
        "Patricia": "Pat",
        "Jennifer": "Jenny",
        "Joseph": "Joe",
        "Anthony": "Tony",
        "Steven": "Steve",
        "Andrew": "Drew",
        "Kimberly": "Kim",
        "Timothy": "Tim",
        "Deborah": "Debbie",
        "Edward": "Ted",
        "Rebecca": "Becky",
        "Daniel": "Dan",
        "James": "Jim",
        "Matthew": "Matt",
    },
    company=_words("""
        Amber Beacon Cedar Delta Falcon Granite Harbor Juniper Maple Raven Summit Tidal Union Vertex Willow
    """),
    trade=_words("""
        Plumbing Roofing Haulage Electric Landscaping Heating Cleaning Glazing Paving Security
    """),
    form=["Ltd", "LLC", "Inc", "PLC", "Limited"],
    city=_words("""
        Leeds Bristol Cardiff Glasgow York Oxford Derby Exeter Bath Dundee Truro Hull Luton Perth
    """),
    host=_words("""
        inbox.example fastmail.example letters.example webpost.example
    """),
    country_code="+44",
)

HELD_OUT_2 = Lists(
    first=_words("""
        Giovanni Giulia Pieter Marieke Luc Odile Matteo Chiara Willem Saskia Thierry Delphine Lorenzo Francesca
        Hendrik Annelies Gérard Sylvie Alessandro Valentina Johannes Femke Mathieu Élodie Giuseppe Lucia Cornelis
        Wilhelmina Olivier Hélène Riccardo Paola Maarten Liesbeth Bastien Amélie Domenico Rosa Gerrit Tineke
        Étienne Camille Salvatore Federica Jeroen Sanne Raphaël Mélanie Vincenzo Ilaria Sjoerd Margriet Clément
        Aurélie Massimo Elisabetta Bram Joke Frédéric Béatrice
    """),
    last=_words("""
        Rossi Dubois Jansen Bianchi Moreau Visser Esposito Lefèvre Bakker Romano Girard Mulder Colombo Roux Bos
        Ricci Fournier Vos Marino Mercier Hendriks Greco Dupont Dekker Conti Lambert Brouwer Gallo Bonnet Dijkstra
        Costa François-Petit Smits Fontana Rousseau Kuipers Caruso Blanc Veenstra Mancini Guérin Kok Rizzo Boyer
        Schipper Lombardi Garnier Jacobs Moretti Chevalier Willems Barbieri Legrand Postma Ferrara Gauthier Wouters
        Santoro Perrin Verhoeven Mariani Robin Koster Rinaldi Clément-Roy Prins Martini Morin Blom Leone Nicolas Huisman
        Longo Masson Peeters Gentile Marchand Kuiper Martinelli Duval Veldman Vitale Denis Sanderse Coppola Lemaire
        Hoekstra Serra Meunier Molenaar Marchetti Noel Timmermans Parisi
    """),
    nicknames={
        "Giovanni": "Gianni",
        "Giuseppe": "Beppe",
        "Francesca": "Checca",
        "Alessandro": "Sandro",
        "Salvatore": "Totò",
        "Vincenzo": "Enzo",
        "Domenico": "Mimmo",
        "Elisabetta": "Betta",
        "Lorenzo": "Renzo",
        "Willem": "Wim",
        "Johannes": "Jan",
        "Cornelis": "Kees",
        "Hendrik": "Henk",
        "Wilhelmina": "Mien",
        "Liesbeth": "Bets",
        "Pieter": "Piet",
        "Frédéric": "Fred",
        "Mathieu": "Mat",
        "Valentina": "Vale",
        "Raphaël": "Raph",
    },
    company=_words("""
        Aurora Ponte Molen Zephyr Castello Haven Lumière Torre Zilver Rivage Polder Olivo Bronzo Noria Duin
    """),
    trade=_words("""
        Impianti Couverture Schilders Idraulica Toiture Loodgieters Trasporti Jardins Montage Vetri
    """),
    form=["SRL", "SpA", "BV", "SARL", "NV"],
    city=_words("""
        Torino Utrecht Lyon Bologna Haarlem Nantes Verona Breda Rennes Padova Leiden Lille Modena Arnhem
    """),
    host=_words("""
        posta.example courrier.example brievenbus.example webmail.example
    """),
    country_code="+43",
)
"""Of the last measurement: no word is of the two lists above. Numbers are of a country where their length is free."""

_COUNTRIES = {"+49": "DE", "+44": "GB", "+43": "AT"}

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
