"""Invented people and companies; mail and phones lie in ranges reserved for fiction."""

import numpy as np
import polars as pl

from pipelines.demo.draw import Bools


def _words(text: str) -> list[str]:
    return text.split()


FIRST = _words("""
    Ada Amir Anouk Bela Bruno Carla Chidi Clara Dario Dena Edda Elif Emil Enzo Farah Felix Femi Greta
    Hana Hugo Ida Ilse Imani Ivo Jana Joel Jonas Kaya Kofi Lara Leif Lena Lior Luis Maia Malik Mara Milo
    Mina Nadia Nico Nora Olga Omar Otto Pia Quinn Rafa Remy Rosa Ruth Sami Selma Sven Tara Theo Tilda
    Uma Vera Viktor Wanda Yara Yusuf Zoe
""")
LAST = _words("""
    Abara Alder Arslan Ashdown Bauer Birch Brandt Brook Calder Castell Crane Dahl Delacroix Dorn
    Eastlake Eberle Falk Fenwick Garrow Gruber Hale Hartwig Holm Idowu Iversen Jansen Juhl Kessler Kirby
    Konda Lange Larkin Lindqvist Marlow Mbeki Moreau Nagel Norwood Okafor Olsen Pascal Pell Quist Rask
    Reuter Roth Sadler Sommer Stone Tamm Thorne Udall Vance Vogt Wagner Weir Winter Yilmaz York Zander
""")
COMPANY_FIRST = _words("""
    Amber Anchor Beacon Birchwood Blue Bright Cedar Clover Copper Delta Eagle Elm Falcon Fern Granite
    Green Harbor Hazel Iron Juniper Kestrel Lantern Linden Maple Meadow Mill North Oak Orchard Pine
    Quartz Raven River Silver Slate Spruce Stone Sunrise Swift Willow
""")
COMPANY_SECOND = _words("""
    Bakery Brewing Builders Care Clinics Dairy Design Electric Estates Events Farms Fitness Foods
    Gardens Glass Goods Hotels Interiors Kitchens Labs Laundry Logistics Markets Motors Optics
    Outfitters Paper Pharma Plastics Press Print Properties School Schools Seeds Supply Textiles Tools
    Travel Works
""")
PHONE_RANGES = {
    "US": (
        100,
        tuple(
            f"+1 {area} 555 01"
            for area in (
                *(312, 217, 219, 224, 260, 262, 309, 314, 317, 319, 414, 515),
                *(563, 608, 618, 630, 708, 773, 779, 815, 847, 872),
            )
        ),
    ),
    "GB": (
        1_000,
        (
            "+44 20 7946 0",
            *(f"+44 {area} 496 0" for area in (113, 114, 115, 116, 117, 118, 121, 131, 141, 151, 161)),
            "+44 7700 900",
        ),
    ),
    "DE": (1_000, ("+49 30 23125 ", "+49 40 66969 ", "+49 69 90009 ", "+49 89 99998 ", "+49 221 4710 ")),
}
"""Numbers in each range, and how those of the range begin: few enough that strangers may share one."""
JOB_TITLES = ("Owner", "Office manager", "Facility manager", "Purchasing", "Head of operations")


def _pairs(first: list[str], second: list[str], count: int, rng: np.random.Generator) -> pl.Series:
    left = pl.Series(first).gather(rng.integers(0, len(first), count))
    right = pl.Series(second).gather(rng.integers(0, len(second), count))
    return left + " " + right


def people(count: int, rng: np.random.Generator) -> pl.Series:
    return _pairs(FIRST, LAST, count, rng)


def companies(count: int, rng: np.random.Generator) -> pl.Series:
    return _pairs(COMPANY_FIRST, COMPANY_SECOND, count, rng)


def company_or_person(is_company: Bools, rng: np.random.Generator) -> pl.Series:
    return companies(len(is_company), rng).zip_with(pl.Series(is_company), people(len(is_company), rng))


def emails(full_name: pl.Series, domain: str) -> pl.Series:
    """Distinct addresses: the row's number is part of each."""
    number = pl.Series(range(len(full_name)), dtype=pl.Int64).cast(pl.String)
    return full_name.str.to_lowercase().str.replace_all(" ", ".", literal=True) + number + f"@{domain}"


def _phone(number: pl.Series, country: str) -> pl.Series:
    size, ranges = PHONE_RANGES[country]
    digits = (number % size).cast(pl.String).str.zfill(len(str(size)) - 1)
    return pl.Series(ranges).gather(number // size) + digits


def phone_of_company(country: str) -> str:
    return str(_phone(pl.Series([0]), country)[0])


def phones(count: int, country: str, rng: np.random.Generator) -> pl.Series:
    size, ranges = PHONE_RANGES[country]
    return _phone(pl.Series(rng.integers(1, size * len(ranges), count)), country)
