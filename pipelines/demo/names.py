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
PHONE_PREFIX = {"US": "+1 312 555 01", "GB": "+44 20 7946 0", "DE": "+49 30 23125 "}
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


def phone_of_company(country: str) -> str:
    return PHONE_PREFIX[country] + ("000" if country == "GB" else "00")


def phones(count: int, country: str, rng: np.random.Generator) -> pl.Series:
    digits = pl.Series(rng.integers(0, 1000 if country == "GB" else 100, count)).cast(pl.String)
    return PHONE_PREFIX[country] + digits.str.zfill(3 if country == "GB" else 2)
