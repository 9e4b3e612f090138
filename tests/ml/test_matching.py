"""Rows of one person are found, those of a family are not taken for one."""

from __future__ import annotations

from itertools import combinations

import polars as pl
import pytest

from benchmarks.people_lists import HELD_OUT, HELD_OUT_2, HELD_OUT_3, TUNING
from benchmarks.people_set import rows_of_people
from ml.matching import features, model, nicknames


@pytest.fixture(scope="module")
def rows() -> pl.DataFrame:
    return rows_of_people(TUNING, people=500, seed=3)


@pytest.fixture(scope="module")
def pairs(rows):
    frame = rows.select(features.WANTED)
    return model.predict(model.fit(frame), frame, least=model.THRESHOLD)


def test_most_of_what_it_says_is_so(rows, pairs):
    person = dict(rows.select("unique_id", "person").iter_rows())
    right = [person[left] == person[other] for left, other in pairs.select("left_id", "right_id").iter_rows()]
    assert len(right) > 200
    assert sum(right) / len(right) > 0.97


def test_the_same_rows_teach_the_same_in_whatever_order_they_come(rows, pairs):
    frame = rows.select(features.WANTED)
    shuffled = frame.sample(fraction=1, shuffle=True, seed=1)
    one, other = model.fit(frame), model.fit(shuffled)
    assert one == other
    assert model.predict(other, shuffled, least=model.THRESHOLD).equals(pairs)


def test_each_pair_says_why(pairs):
    assert pairs.columns == ["left_id", "right_id", "chance", *model.FIELDS, "others"]
    assert pairs["chance"].is_between(model.THRESHOLD, 1).all()
    assert (pairs["name"] > 0).mean() > 0.9


def drawn(names: list[str], **columns: list[str | None]) -> pl.DataFrame:
    empty = [None] * len(names)
    rows = {"unique_id": [f"r{number:04}" for number in range(len(names))], "full_name": names}
    rows |= {each: columns.get(each, empty) for each in features.WANTED[2:]}
    return pl.DataFrame(rows, schema=dict.fromkeys(features.WANTED, pl.String))


def test_chances_are_what_comes_true(rows):
    frame = rows.select(features.WANTED)
    found = model.predict(model.fit(frame), frame, least=0.05)
    person = dict(rows.select("unique_id", "person").iter_rows())
    is_so = [person[left] == person[other] for left, other in found.select("left_id", "right_id").iter_rows()]
    assert sum(is_so) / len(is_so) == pytest.approx(found["chance"].mean(), abs=0.06)


def test_two_rows_that_share_nothing_but_a_name_are_one_by_a_third(rows):
    """Of the first, one row has an address alone, one a number alone, and one has both."""
    bare = pl.DataFrame(
        [
            ("x1", "Xaver Quandt", "xaver.quandt77@web.example", None, None, None, "DE"),
            ("x2", "Xaver Quandt", None, "+49 30 55512345", None, None, "DE"),
            ("x3", "Xaver Quandt", "xaver.quandt77@web.example", "030 55512345", None, None, "DE"),
        ],
        schema=dict.fromkeys(features.WANTED, pl.String),
        orient="row",
    )
    frame = rows.select(features.WANTED)
    matcher = model.fit(frame)

    def told(more: pl.DataFrame) -> dict[str, float]:
        found = model.predict(matcher, pl.concat([frame, more]), least=0.0)
        return found.row(by_predicate=pl.col("left_id").eq("x1") & pl.col("right_id").eq("x2"), named=True)

    with_third, alone = told(bare), told(bare.head(2))
    assert with_third["chance"] > max(0.99, alone["chance"])
    assert (with_third["others"] > 1, alone["others"]) == (True, 0)


def test_relatives_who_share_everything_but_the_given_name_are_two(rows):
    frame = rows.select(features.WANTED)
    at_home = ("quandt12@web.example", "+49 30 55512345", None, "Bremen", "DE")
    two = pl.DataFrame(
        [("x1", "Sabine Quandt", *at_home), ("x2", "Thomas Quandt", *at_home)],
        schema=dict.fromkeys(features.WANTED, pl.String),
        orient="row",
    )
    found = model.predict(model.fit(frame), pl.concat([frame, two]), least=model.THRESHOLD)
    assert not found.filter(left_id="x1", right_id="x2").height


def test_a_tenant_without_telephone_numbers_is_matched_too():
    rows = rows_of_people(TUNING, people=250, seed=5)
    frame = rows.select(features.WANTED).with_columns(pl.lit(None, dtype=pl.String).alias("phone"))
    found = model.predict(model.fit(frame), frame, least=model.THRESHOLD)
    person = dict(rows.select("unique_id", "person").iter_rows())
    right = [person[left] == person[other] for left, other in found.select("left_id", "right_id").iter_rows()]
    assert len(right) > 100
    assert sum(right) / len(right) > 0.95


SURNAMES = [
    *(
        "Lovelace",
        "Hopper",
        "Turing",
        "Dijkstra",
        "Liskov",
        "Knuth",
        "Backus",
        "Hoare",
        "Wirth",
        "Milner",
        "Lamport",
    ),
    *(
        "Allen",
        "Gray",
        "Thompson",
        "Ritchie",
        "Perlman",
        "Goldwasser",
        "Micali",
        "Pearl",
        "Diffie",
        "Hellman",
    ),
    *("Shamir", "Adleman"),
]
GIVEN = ("Ada", "Grace", "Alan", "Edsger", "Barbara")


def few(*more: tuple[str | None, ...]) -> pl.DataFrame:
    """A tenant of 28 strangers, five of one name, and more."""
    strangers = [
        (
            f"{GIVEN[n % 5]} {name}",
            f"p{n}@mail{n}.example",
            f"030 5550{n:04}",
            None,
            ("Ulm", "Kiel", "Bremen")[n % 3],
        )
        for n, name in enumerate(SURNAMES)
    ]
    namesakes = [
        ("Anna Müller", f"anna{n}@post{n}.example", f"040 7770{n:04}", None, city)
        for n, city in enumerate(("Essen", "Mainz", "Erfurt", "Köln", "Bonn"))
    ]
    rows = [(f"r{n:03}", *row, "DE") for n, row in enumerate((*strangers, *namesakes, *more))]
    return pl.DataFrame(rows, schema=dict.fromkeys(features.WANTED, pl.String), orient="row")


def links(frame: pl.DataFrame) -> set[tuple[str, str]]:
    found = model.predict(model.fit(frame), frame, least=model.THRESHOLD)
    return set(found.select("left_id", "right_id").iter_rows())


@pytest.fixture
def duplicates() -> list[tuple[str | None, ...]]:
    """One number and nearly the same name; one address."""
    return [
        ("Ada Lovelce", None, "+49 30 55500000", None, None),
        ("Hopper, Grace", "p1@mail1.example", None, None, None),
    ]


def test_thirty_people_are_too_few_to_learn_from_and_two_duplicates_are_found(duplicates):
    assert links(few(*duplicates)) == {("r000", "r028"), ("r001", "r029")}
    assert links(few()) == set()


def test_without_any_address_numbers_are_enough(duplicates):
    frame = few(*duplicates).with_columns(pl.lit(None, pl.String).alias("email"))
    assert links(frame) == {("r000", "r028")}


def test_a_household_of_a_small_tenant_are_two():
    at_home = ("quandt@web.example", "030 1234567", None, "Bremen")
    assert links(few(("Sabine Quandt", *at_home), ("Thomas Quandt", *at_home))) == set()


@pytest.mark.parametrize("count", [0, 1, 2])
def test_hardly_anybody(count):
    assert links(few().head(count)) == set()


def test_a_hundred_and_fifty_rows_that_are_all_the_same():
    rows = [("Test Test", "test@web.example", "030 1234567", None, None)] * 150
    assert len(links(few(*rows))) == 150 * 149 // 2


def test_the_same_people_without_addresses_are_matched_by_their_numbers(rows):
    frame = rows.select(features.WANTED).with_columns(pl.lit(None, pl.String).alias("email"))
    person = dict(rows.select("unique_id", "person").iter_rows())
    right = [person[left] == person[other] for left, other in links(frame)]
    assert len(right) > 200
    assert sum(right) / len(right) > 0.95


def test_what_is_typical_fits_the_fields_that_are_compared(rows):
    told = model.typical()
    matcher = model.fit(rows.select(features.WANTED))
    assert told["levels"].keys() == {each["output_column_name"] for each in matcher.settings["comparisons"]}
    assert told["agreeing"].keys() == model.FILLED_UP.keys()
    assert told["beside"].keys() == {"email", "phone"}


def test_a_slip_is_mended_where_the_word_it_was_is_frequent():
    told = features.prepared(drawn(["Anna Müller"] * 10 + ["Anna Mülelr", "Anna Mauler", "Anna Möhler"]))
    assert told["family"].to_list()[10:] == ["muller", "mauler", "mohler"]


def test_a_slip_of_a_very_frequent_word_may_stand_thrice_unless_somebody_writes_it_so_twice():
    names = ["Anna Müller"] * 100 + ["Annna Müller"] * 3 + ["Hanna Müller"] * 3
    emails = [None] * 103 + ["hanna@web.example", "hanna@web.example", None]
    told = features.prepared(drawn(names, email=emails))
    assert told["given"].to_list()[100:] == ["anna"] * 3 + ["hanna"] * 3


def test_of_two_words_that_a_slip_may_be_it_is_the_one_that_stands_near():
    names = ["Petra Roth"] * 20 + ["Peter Roth"] * 40 + ["Petar Roth"] * 2 + ["Petxa Roth"]
    emails = ["petra@web.example"] * 20 + [None] * 40 + ["petra@web.example", None, None]
    told = features.prepared(drawn(names, email=emails))
    assert told["given"].to_list()[60:] == ["petra", "peter", "petra"]


def test_two_given_names_are_read_as_they_stand_and_a_comma_stands_behind_the_family_name():
    frame = drawn(["Frank, Beate", "Beate Frank"] + ["Frank Weber"] * 5 + ["Beate Roth"] * 2)
    assert features.prepared(frame)["family"].to_list()[:2] == ["frank", "frank"]


def test_who_takes_another_name_keeps_the_address_that_says_the_old_one(rows):
    frame = rows.select(features.WANTED)
    two = pl.DataFrame(
        [
            ("x1", "Sabine Quandt", "sabine.xaver12@web.example", "+49 30 55512345", None, "Bremen", "DE"),
            ("x2", "Sabine Xaver", None, "+49 30 55512345", None, None, "DE"),
            ("x3", "Sabine Xaver", None, "+49 30 55567890", None, None, "DE"),
            ("x4", "Sabine Quandt", "sabine.quandt7@web.example", "+49 30 55567890", None, "Bremen", "DE"),
        ],
        schema=dict.fromkeys(features.WANTED, pl.String),
        orient="row",
    )
    found = model.predict(model.fit(frame), pl.concat([frame, two]), least=0.0)
    bits = {
        (left, right): bits for left, right, bits in found.select("left_id", "right_id", "name").iter_rows()
    }
    assert bits["x1", "x2"] > bits["x3", "x4"] + 3


def test_an_address_under_which_nobody_else_stands_says_more_than_a_number_of_a_house():
    frame = drawn(["A B"] * 3, phone=["030 1234567", "030 1234568", None]).with_columns(
        full_name=pl.Series(["Ada Roth", "Max Roth", "Eva Roth"])
    )
    usual = model.typical()
    assert model.beside(features.prepared(frame), "phone", usual) == usual["beside"]["phone"]
    homes = drawn(
        [f"{name} Roth" for number in range(100) for name in ("Ada", "Ada" if number % 4 else "Max")],
        phone=[f"030 555{number:05}" for number in range(100) for _ in range(2)],
    )
    assert model.beside(features.prepared(homes), "phone", usual) == 0.25


def test_nicknames_are_learned_from_several_families_and_not_from_one_household():
    def people(given: tuple[str, str], families: list[str]) -> list[tuple[str, str, str]]:
        return [
            (f"{name} {family}", f"{family}@web.example".lower(), f"+49 30 555{family_number:05}")
            for family_number, family in enumerate(families)
            for name in given
        ]

    several = people(("Robert", "Bob"), ["Ahrens", "Bolte", "Cordes", "Dierks"])
    household = people(("Karin", "Uwe"), ["Evers"])
    strangers = [(f"Name{number} Fremd{number}", f"f{number}@web.example", None) for number in range(100)]
    names, emails, phones = zip(*several, *household, *strangers, strict=True)
    found = nicknames.learned(features.prepared(drawn(list(names), email=list(emails), phone=list(phones))))
    assert found == [("bob", "robert")]


def test_couples_who_share_a_number_and_not_the_address_are_no_nicknames():
    def at_one_number(given: tuple[str, str], is_one: bool) -> list[tuple[str, str, str]]:
        return [
            (
                f"{name} Haus{number}",
                f"{given[0] if is_one else name}{number}@web.example",
                f"+49 30 {given[0]}{number}",
            )
            for number in range(5)
            for name in given
        ]

    strangers = [(f"Name{number} Fremd{number}", f"f{number}@web.example", None) for number in range(100)]
    found = at_one_number(("Robert", "Bob"), True) + at_one_number(("Mehmet", "Melike"), False) + strangers
    names, emails, phones = zip(*found, strict=True)
    numbers = [phone and phone.replace("Robert", "5551").replace("Mehmet", "5552") for phone in phones]
    rows = features.prepared(drawn(list(names), email=list(emails), phone=numbers))
    assert nicknames.learned(rows) == [("bob", "robert")]


def test_how_many_pairs_would_be_compared_is_known_before(rows):
    frame = rows.select(features.WANTED)
    compared = model.predict(model.fit(frame), frame, least=0.0)
    assert compared.height <= model.pairs_at_most(frame) < frame.height**2 / 20
    of_one_fair = drawn([f"Mr {name}" for name in SURNAMES], company=["The fair"] * len(SURNAMES))
    assert model.pairs_at_most(of_one_fair) >= len(SURNAMES) * (len(SURNAMES) - 1) // 2
    assert model.pairs_at_most(of_one_fair.head(0)) == 0


def test_groups_are_of_pairs_that_hang_together():
    pairs = pl.DataFrame(
        {"left_id": ["a", "b", "x"], "right_id": ["b", "c", "y"], "chance": [0.99, 0.96, 0.5]}
    )
    assert model.groups(pairs, least=0.9) == {"a": "a", "b": "a", "c": "a"}


def test_no_two_sets_have_a_word_in_common():
    for one, other in combinations((TUNING, HELD_OUT, HELD_OUT_2, HELD_OUT_3), 2):
        for name in ("first", "last", "company", "trade", "form", "city", "host"):
            assert not {*map(features.plain, getattr(one, name))} & {
                *map(features.plain, getattr(other, name))
            }, name
            assert abs(len(getattr(one, name)) - len(getattr(other, name))) <= len(getattr(one, name)) // 10
        assert not {*one.nicknames.values()} & {*other.nicknames.values()}


@pytest.mark.parametrize("lists", [TUNING, HELD_OUT, HELD_OUT_2, HELD_OUT_3])
def test_a_number_of_a_set_is_one_however_it_is_written(lists):
    """Nothing is compared: what is looked at is that the ways of writing can be read."""
    rows = rows_of_people(lists, people=100, seed=1).drop_nulls("phone")
    read = [features.number(phone, country) for phone, country in rows.select("phone", "country").iter_rows()]
    assert all(each and each.startswith(lists.country_code) and len(each) == 13 for each in read)


def test_one_seed_draws_one_set():
    one, other = (rows_of_people(TUNING, people=50, seed=9) for _ in range(2))
    assert one.equals(other)


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("Müller", "muller"),
        ("Mueller", "muller"),
        ("Weiß", "weiss"),
        ("Łukasz Díaz", "lukasz diaz"),
        (None, ""),
    ],
)
def test_names_are_written_one_way(written, plain):
    assert features.plain(written) == plain


def test_a_company_is_one_with_and_without_its_legal_form():
    forms = ("", " GmbH & Co. KG", " S.A.", " s.r.o.", " Sp. z o.o.", ", Inc.", " d.o.o.")
    frame = drawn(["A B"] * len(forms), company=[f"Roth Bau{form}" for form in forms])
    assert set(features.prepared(frame)["company"]) == {"roth bau"}


def test_numbers_are_written_one_way():
    assert {features.number(each, "DE") for each in ("030 901820", "+49 30 901820", "0049 30/901820")} == {
        "+4930901820"
    }
    assert features.number(None, "DE") is None


def test_given_and_family_name_are_told_by_where_they_stand_in_most_rows():
    names = ["Ada Byron", "Ada King", "Mary Byron", "Byron Ada", "Byron, Mary", "B. Byron"]
    frame = pl.DataFrame(
        {"unique_id": [str(n) for n in range(6)], "full_name": names}
        | dict.fromkeys(("email", "phone", "company", "city", "country"))
    )
    told = features.prepared(
        frame.with_columns(pl.col("email", "phone", "company", "city", "country").cast(pl.String))
    )
    assert told["family"].to_list() == ["byron", "king", "byron", "byron", "byron", "byron"]
