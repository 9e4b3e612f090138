"""What a look may say: colours that can be read, style rules of a list, no programs anywhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import tinycss2
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

import serve
from serve.identity.branding import colours, css, theme
from serve.identity.branding.errors import ContrastTooLow, ScriptRefused, StyleRefused
from serve.identity.branding.schemas import Look
from tests.serve.identity.branding.smuggling import BODIES, STYLES, TEXTS, UNFINISHED

PAGES = Path(serve.__file__).parent / "pages"
CLEAN = re.compile(
    r"(?:[.a-z, :-]+\{(?:[a-z-]+:(?:[a-z -]|var\(--[a-z-]+\)|\d+(?:\.\d+)?(?:px|rem|em)?)+(?:;|(?=\})))*\}\n)*"
)
"""All that can be written: classes, properties, words, tokens and lengths. No slash, quote, at, backslash or colour."""


def look(**custom) -> Look:
    return Look.model_validate({"customization": custom})


class TestColours:
    def test_ours_are_those_of_the_pages(self):
        text = (PAGES / "styles" / "base.css").read_text()
        light, dark = re.findall(r":root \{(.*?)\}", text, flags=re.DOTALL)[:2]
        for scheme, block in (("light", light), ("dark", dark)):
            ours = colours.OURS[scheme]
            found = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", block))
            assert found == {name.replace("_", "-"): value for name, value in ours.items()}
            assert list(colours.unreadable(ours)) == []

    @pytest.mark.parametrize(
        ("one", "other", "expected"),
        [
            ("#000000", "#ffffff", 21.0),
            ("#777777", "#ffffff", 4.48),
            ("#0000ff", "#ffffff", 8.59),
            ("#123456", "#123456", 1),
        ],
    )
    def test_contrast_is_that_of_wcag(self, one, other, expected):
        assert colours.contrast(one, other) == pytest.approx(expected, abs=0.005)
        assert colours.contrast(one, other) == colours.contrast(other, one)

    def test_each_pair_that_cannot_be_read_is_named(self):
        pale = Look.model_validate(
            {"branding": {"light": {"muted": "#aaaaaa"}, "dark": {"accent_ink": "#ffffff"}}}
        )
        with pytest.raises(ContrastTooLow) as refused:
            theme.check(pale)
        assert dict(refused.value.details)["branding.dark.accent_ink"].startswith(
            "accent_ink on accent has a contrast of 2."
        )
        assert [field for field, _ in refused.value.details].count("branding.light.muted") == 3
        assert "muted on surface has a contrast of 2.32 to 1; text needs 4.5 to 1" in str(
            refused.value.details
        )

    @given(
        st.fixed_dictionaries(
            {}, optional={name: st.from_regex(r"\A#[0-9a-f]{6}\Z") for name in colours.CHOSEN}
        )
    )
    @settings(max_examples=300, deadline=None)
    def test_what_is_taken_can_be_read(self, chosen):
        chosen_look = Look.model_validate({"branding": {"light": chosen}})
        try:
            theme.check(chosen_look)
        except ContrastTooLow:
            return
        shown = theme.colours(chosen_look, "light")
        for text in ("ink", "muted", "accent", "good", "warn", "bad"):
            for ground in ("ground", "surface", "sunken"):
                assert colours.contrast(shown[text], shown[ground]) >= 4.5


class TestStyles:
    def test_what_is_allowed_is_written_in_our_words(self):
        source = """
            /* a comment */
            .panel, .card:hover .brand-name{Color:VAR( --accent );PADDING : 4PX 0.50rem;border-radius:0}
            .top { box-shadow: var(--shadow); font-weight: BOLD; line-height: 1.50; background-color: var(--sunken) }
        """
        assert css.styles(source) == (
            ".panel,.card:hover .brand-name{color:var(--accent);padding:4px 0.5rem;border-radius:0}\n"
            ".top{box-shadow:var(--shadow);font-weight:bold;line-height:1.5;background-color:var(--sunken)}\n"
        )

    @pytest.mark.parametrize("source", STYLES)
    def test_nothing_is_smuggled(self, source):
        if source in UNFINISHED:
            assert css.styles(source) == ".panel{color:var(--ink)}\n"
            return
        with pytest.raises(StyleRefused) as refused:
            css.styles(source)
        for field, why in refused.value.details:
            assert field == "customization.custom_css"
            assert re.match(r"line \d+, column \d+: .", why)

    def test_the_place_is_told(self):
        with pytest.raises(StyleRefused) as refused:
            css.styles(".panel {\n  color: var(--ink);\n  position: fixed;\n}\nbody { color: red }")
        assert [why.partition(": ")[0] for _, why in refused.value.details] == [
            "line 3, column 3",
            "line 5, column 1",
        ]
        assert "the property position is not allowed" in refused.value.details[0][1]

    def test_each_class_is_one_of_the_pages(self):
        sources = [*PAGES.glob("**/*.js"), PAGES / "index.html"]
        words = {
            word
            for path in sources
            for text in re.findall(r'"([^"\n]*)"', path.read_text())
            for word in text.split()
        }
        assert words >= css.CLASSES

    PARTS = st.sampled_from(
        [
            *(
                ".panel",
                ".card",
                ".x",
                "body",
                "*",
                "#a",
                ":hover",
                "::before",
                "[a=b]",
                ",",
                " ",
                ">",
                "{",
                "}",
                ";",
                ":",
            ),
            *("color", "padding", "margin", "position", "background-color", "--ink", "font-size", "content"),
            *(
                "var(--ink)",
                "var(--surface)",
                "url(x)",
                "expression(1)",
                "4px",
                "-4px",
                "1e3px",
                "red",
                "#fff",
                "fixed",
            ),
            *(
                "!important",
                "/*",
                "*/",
                "\\",
                "\\75",
                "@import",
                "@media",
                "<",
                "</style>",
                "'",
                '"',
                "(",
                ")",
                "\n",
                "\0",
            ),
        ]
    )

    @given(st.one_of(st.lists(PARTS, max_size=25).map("".join), st.text(max_size=80)))
    @settings(max_examples=2000, deadline=None)
    def test_whatever_is_sent_only_our_words_come_out(self, source):
        written, refusals = css.read(source)
        assert CLEAN.fullmatch(written), written
        if refusals:
            with pytest.raises(StyleRefused):
                css.styles(source)
            return
        # Read again it says the same: there is nothing that two readers could understand differently.
        assert css.styles(written) == written
        for rule in tinycss2.parse_stylesheet(written, skip_whitespace=True):
            assert rule.type == "qualified-rule"

    @given(
        st.sampled_from(STYLES),
        st.sampled_from(["", "/**/", " ", "\n", "\t", "\\", "\0", "\u200b"]),
        st.integers(min_value=0, max_value=60),
        st.booleans(),
    )
    @settings(max_examples=2000, deadline=None)
    def test_no_variant_of_a_trick_gets_through(self, trick, between, place, is_upper):
        source = trick[:place] + between + trick[place:]
        written, _ = css.read(source.upper() if is_upper else source)
        assert CLEAN.fullmatch(written), written


class TestScripts:
    @pytest.mark.parametrize("body", BODIES, ids=str)
    def test_a_script_is_refused_by_its_name(self, body):
        with pytest.raises(ScriptRefused) as refused:
            Look.model_validate(body)
        [(field, _)] = refused.value.details
        assert field.split(".")[0].split("[")[0] == next(iter(body))

    @pytest.mark.parametrize("text", TEXTS)
    @pytest.mark.parametrize("field", ["product_name", "legal_lines", "support_address"])
    def test_no_text_is_one(self, field, text):
        value = [text] if field == "legal_lines" else text
        with pytest.raises((ScriptRefused, ValidationError)):
            Look.model_validate({"branding": {field: value}})

    @pytest.mark.parametrize(
        "name",
        ["R&D Desk", "Müller & Söhne", "Côte d'Azur", "Только вперёд", "配送", "A/B + C #1", "onward: Ltd"],
    )
    def test_names_of_people_are_no_scripts(self, name):
        assert Look.model_validate({"branding": {"product_name": name}}).branding.product_name == name

    def test_there_are_enough(self):
        assert len(set(STYLES)) + len(set(TEXTS)) + len(BODIES) >= 140


class TestStylesheet:
    @pytest.mark.parametrize(
        ("chosen", "light", "dark"),
        [("system", "light", "dark"), ("light", "light", "light"), ("dark", "dark", "dark")],
    )
    def test_a_theme_is_one_on_every_device(self, chosen, light, dark):
        sheet = theme.stylesheet(look(theme=chosen))
        first, second = re.findall(r":root \{(.*?)\}", sheet, flags=re.DOTALL)
        assert f"--ground: {colours.OURS[light]['ground']};" in first
        assert f"--ground: {colours.OURS[dark]['ground']};" in second

    def test_its_address_changes_with_it_alone(self):
        assert theme.stylesheet_url("a", look(radius_px=4)) == theme.stylesheet_url("a", look(radius_px=4))
        assert theme.stylesheet_url("a", look(radius_px=4)) != theme.stylesheet_url("a", look(radius_px=5))
