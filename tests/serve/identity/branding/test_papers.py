"""Papers in a look: seen as pictures, the same each time, and blind to everything but what they were given."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image

from serve.identity.branding import papers
from serve.identity.branding.brand import Brand, Picture
from serve.identity.branding.papers import PaperFailed, typeset
from serve.identity.branding.schemas import Look

A4_PX = (595, 842)
ACCENT, INK = (154, 31, 75), (42, 26, 32)
LOOK = Look.model_validate(
    {
        "branding": {
            "product_name": "Harbour Desk",
            "light": {"accent": "#9a1f4b", "ink": "#2a1a20"},
            "legal_lines": ["Harbour GmbH, Bremen", "HRB 12345"],
            "support_address": "help@harbour.example",
        }
    }
)
LETTER = {
    "title": "Invoice 101",
    "address": ["Ada Byron"],
    "paragraphs": ["Inspection: 119.00 EUR.", "Thank you."],
}
SOURCE = (papers.FOLDER / "letter.typ").read_text()


def picture(colour: str = "#00a0ff", size: tuple[int, int] = (300, 100), format: str = "PNG") -> Picture:
    content = BytesIO()
    Image.new("RGB", size, colour).save(content, format)
    return Picture(content.getvalue(), f"image/{format.lower()}")


def seen(brand: Brand, data: dict = LETTER, source: str = SOURCE) -> list[Image.Image]:
    return [Image.open(BytesIO(page)).convert("RGB") for page in typeset(source, data, brand, format="png")]


def area(page: Image.Image, colour: tuple[int, int, int]) -> tuple[int, int, int, int] | None:
    """Where the colour is: left, top, right, bottom."""
    return _mask(page, colour).getbbox()


def _mask(page: Image.Image, colour: tuple[int, int, int]) -> Image.Image:
    near = [
        band.point(lambda value, goal=goal: 255 * (abs(value - goal) < 12))
        for band, goal in zip(page.split(), colour, strict=True)
    ]
    both = Image.composite(near[0], Image.new("L", page.size), near[1])
    return Image.composite(both, Image.new("L", page.size), near[2])


class TestLooks:
    def test_the_logo_stands_above_in_its_size(self):
        [page] = seen(Brand(LOOK, picture()))
        assert page.size == A4_PX
        left, top, right, bottom = area(page, (0, 160, 255))
        assert left == pytest.approx(25 * 72 / 25.4, abs=2)
        assert bottom - top == pytest.approx(14 * 72 / 25.4, abs=2)
        assert right - left == pytest.approx(3 * (bottom - top), abs=4)
        assert bottom < 38 * 72 / 25.4, "in the margin"

    @pytest.mark.parametrize("format", ["PNG", "JPEG", "GIF", "WEBP"])
    def test_pictures_of_every_kind_that_is_taken(self, format):
        [page] = seen(Brand(LOOK, picture(format=format)))
        assert area(page, (0, 160, 255)) is not None

    def test_colours_are_those_of_the_look(self):
        [page] = seen(Brand(LOOK, picture()))
        left, top, right, _ = area(page, ACCENT)
        assert (left, right) == (pytest.approx(71, abs=2), pytest.approx(A4_PX[0] - 71, abs=2)), (
            "a line across the page"
        )
        assert top < 120
        assert area(page, INK)[1] > 120, "text stands below the letterhead"
        [other] = seen(Brand(Look(), picture()))
        assert area(other, ACCENT) is None
        assert area(other, (29, 78, 216)) is not None

    def test_without_a_logo_the_name_stands_there(self):
        [page] = seen(Brand(LOOK))
        assert area(page.crop((0, 0, A4_PX[0], 105)), INK) is not None
        [unnamed] = seen(Brand(LOOK, picture()))
        assert area(unnamed.crop((0, 0, A4_PX[0], 105)), INK) is None

    def test_the_foot_is_on_every_page(self):
        pages = seen(Brand(LOOK), LETTER | {"paragraphs": ["A long letter. " * 40] * 14})
        assert len(pages) > 2
        bare = seen(Brand(Look()))[0].crop((60, 760, 400, 842))
        for page in pages:
            foot = page.crop((60, 760, 400, 842))
            assert len(set(foot.getdata())) > len(set(bare.getdata())), "legal lines"


class TestBytes:
    def test_the_same_again_is_the_same(self):
        brand = Brand(LOOK, picture())
        assert typeset(SOURCE, LETTER, brand) == typeset(SOURCE, LETTER, brand)
        assert typeset(SOURCE, LETTER, brand) != typeset(SOURCE, LETTER, Brand(Look(), picture()))

    def test_fonts_go_with_it_and_are_those_inside(self):
        [paper] = typeset(SOURCE, LETTER, Brand(LOOK))
        assert paper.count(b"/FontFile") >= 1
        assert b"LibertinusSerif" in paper
        [mono] = typeset(SOURCE, LETTER, Brand(Look.model_validate({"customization": {"font": "mono"}})))
        assert b"DejaVuSansMono" in mono


class TestBlind:
    def test_nothing_of_the_data_is_markup(self):
        tricks = [
            '#read("/etc/passwd")',
            "*bold* _it_ $x^2$",
            '#image("logo")',
            "= Title",
            "\\ #panic()",
            "<label> @ref",
        ]
        brand = Brand(LOOK)
        words = seen(brand, LETTER | {"paragraphs": tricks, "title": tricks[0], "address": tricks})
        assert len(words) == 1
        plain = seen(brand, LETTER | {"paragraphs": ["x"], "title": "x", "address": ["x"]})
        assert words[0].tobytes() != plain[0].tobytes()

    @pytest.mark.parametrize(
        "source",
        [
            '#read("/etc/passwd")',
            '#read("../../../../etc/passwd")',
            '#read("/../etc/passwd")',
            '#image("/etc/hostname")',
            '#include "/etc/passwd"',
            '#import "@preview/cetz:0.3.0"',
            '#import "@local/x:1.0.0"',
            '#let name = "@preview/cetz:0.3.0"\n#import name: *',
        ],
    )
    def test_a_template_sees_its_own_folder_alone(self, source):
        with pytest.raises(PaperFailed):
            typeset(source, LETTER, Brand(LOOK))

    def test_a_picture_that_is_none_is_a_mistake_and_no_crash(self):
        with pytest.raises(PaperFailed):
            typeset(SOURCE, LETTER, Brand(LOOK, Picture(b"no picture", "image/png")))
