"""Safe, readable by everybody, and at home on a phone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from serve.platform.pages.endpoints import PAGES
from tests.browser.conftest import visiting
from tests.browser.release import HOSTILE, LONG

STYLE = Path(PAGES, "styles", "base.css").read_text()
ON_GROUND = ("ink", "muted", "accent", "good", "warn", "bad")
PAIRS = (
    *((text, ground) for text in ON_GROUND for ground in ("ground", "surface")),
    *((f"{name}", f"{name}-soft") for name in ("good", "warn", "bad")),
    ("muted", "sunken"),
    ("accent-ink", "accent"),
)
_TOO_WIDE = """
    () => [...document.querySelectorAll("body *")]
        .filter((each) => each.checkVisibility() && !each.closest(".scroll, svg, .unseen, .skip"))
        .filter((each) => each.getBoundingClientRect().right > innerWidth + 0.5)
        .map((each) => `${each.tagName}.${each.className}`)
"""
_NAMELESS = """
    () => [...document.querySelectorAll("input, select, button, a, svg[role=img], table, section")]
        .filter((each) => each.checkVisibility() && !each.closest("[aria-hidden=true]"))
        .filter((each) => !(each.labels?.length || each.ariaLabel || each.textContent.trim() || each.caption
            || each.getAttribute("aria-labelledby")))
        .map((each) => each.outerHTML.slice(0, 100))
"""


@pytest.mark.browser
class TestSafety:
    def test_hostile_names_are_text(self, reader):
        page = reader.page
        expect(page.locator("#tenant-name")).to_have_text(f"Alpha {HOSTILE}")
        expect(page.locator("#churn h3").first).to_have_text(HOSTILE)
        expect(page.locator("#churn li li").last).to_contain_text("<b>x</b>")
        expect(page.locator("#maintenance h3")).to_contain_text(HOSTILE)
        expect(page.locator("#roi tbody th").last).to_have_text(HOSTILE)
        expect(page.locator("#compliance")).to_contain_text(HOSTILE)
        assert page.locator("img:not([src='/pages/icon.svg']), b b, main script").count() == 0
        assert page.title() == f"Alpha {HOSTILE} · Throughline"

    def test_scripts_and_styles_that_did_not_come_as_files_are_refused(self, visit):
        page = visit.enter()
        page.evaluate(
            """() => {
                const script = document.createElement("script");
                script.textContent = "document.title = 'owned'";
                document.body.append(script);
                document.body.setAttribute("style", "outline: 9px solid red");
                document.body.insertAdjacentHTML("beforeend", `<img src="data:,x" onerror="document.title = 'owned'">`);
            }"""
        )
        page.locator("img[src='data:,x']").wait_for(state="attached")
        assert page.title() != "owned"
        assert page.evaluate("getComputedStyle(document.body).outlineStyle") == "none"
        assert len([told for told in visit.complaints if "Content Security Policy" in told]) >= 2
        visit.complaints.clear()

    def test_the_session_cannot_be_read_by_scripts(self, reader):
        assert reader.page.evaluate("document.cookie") == ""
        kept = reader.page.evaluate("Object.entries(localStorage)")
        assert [key for key, _ in kept] == ["throughline.session-ends-at"]


@pytest.mark.browser
class TestAPhone:
    @pytest.fixture(scope="class")
    def phone(self, browser, site):
        with visiting(
            browser, site, viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True
        ) as visit:
            yield visit

    def test_nothing_is_wider_than_the_screen(self, phone):
        page = phone.page
        page.goto(phone.site.url)
        expect(page.locator("#login")).to_be_visible()
        assert page.evaluate(_TOO_WIDE) == []
        phone.enter(path="/#12m")
        expect(page.locator("#churn")).to_contain_text(LONG)
        for summary in page.locator("summary").all():
            summary.click()
        page.get_by_label("Investments in").select_option("vehicle")
        expect(page.locator("#roi tbody tr")).to_have_count(1)
        assert page.evaluate(_TOO_WIDE) == []
        assert page.evaluate("document.documentElement.scrollWidth") == 360


@pytest.mark.browser
class TestAccess:
    def test_everything_has_a_name(self, reader):
        assert reader.page.evaluate(_NAMELESS) == []

    def test_headings_and_landmarks(self, reader):
        page = reader.page
        assert page.get_by_role("heading", level=1).count() == 1
        assert page.get_by_role("heading", level=2).count() == 8
        for landmark in ("banner", "main", "contentinfo"):
            assert page.get_by_role(landmark).count() == 1

    def test_the_range_is_chosen_by_keyboard(self, visit):
        page = visit.enter()
        page.get_by_label("30d").focus()
        page.keyboard.press("ArrowLeft")
        expect(page.locator(".tile[data-name=revenue_cents] .value")).to_have_text("€700")

    def test_dark_where_the_system_is_dark(self, browser, site):
        with visiting(browser, site, color_scheme="dark") as visit:
            visit.page.goto(site.url)
            ground = visit.page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        assert max(int(part) for part in re.findall(r"\d+", ground)) < 60


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2."""
    parts = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def tokens(scheme: str) -> dict[str, str]:
    light, dark = STYLE.split("@media (prefers-color-scheme: dark)", 1)
    found = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", light))
    return found | (dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", dark)) if scheme == "dark" else {})


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(scheme):
    colours = tokens(scheme)
    ratios = {}
    for text, ground in PAIRS:
        low, high = sorted((luminance(colours[text]), luminance(colours[ground])))
        ratios[text, ground] = (high + 0.05) / (low + 0.05)
    assert {pair: round(ratio, 2) for pair, ratio in ratios.items() if ratio < 4.5} == {}


def test_no_page_file_makes_markup_of_text_or_asks_others():
    """What the strict policy would refuse at run time is not even written."""
    forbidden = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|https?://(?!www\.w3\.org)"
    )
    files = [*PAGES.rglob("*.js"), *PAGES.rglob("*.html"), *PAGES.rglob("*.css")]
    assert len(files) > 10
    assert [path.name for path in files if forbidden.search(path.read_text())] == []
    index = (PAGES / "index.html").read_text()
    assert re.findall(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=", index) == []
