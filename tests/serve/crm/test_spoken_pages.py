"""What customers read behind links of mails, and in these: no word is missing, and each page comes with its own."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from string import Formatter

import pytest

from serve.crm.quotes.page import PAGE as OF_QUOTES
from serve.crm.reviews.page import PAGE as OF_REVIEWS
from serve.crm.tickets.page import PAGE as OF_TICKETS
from serve.kernel.speech import LANGUAGES
from serve.platform.pages.endpoints import PAGES

ALL = {"quotes": OF_QUOTES, "reviews": OF_REVIEWS, "tickets": OF_TICKETS}
SHARED = {"quotes": ("said.js",), "reviews": ("opinion.js", "said.js"), "tickets": ("opinion.js", "said.js")}
SAME_AS_ENGLISH = {("quotes", "fr"): {"date", "version", "page_version"}, ("quotes", "es"): {"total"}}


def parts(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("domain", ALL)
class TestWords:
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_none_is_missing_and_all_say_as_much(self, domain, language):
        english, own = ALL[domain].words["en"], ALL[domain].words[language]
        assert own.keys() == english.keys()
        assert {key: parts(text) for key, text in own.items()} == {
            key: parts(text) for key, text in english.items()
        }
        assert [key for key, text in own.items() if text != text.strip() or not text] == []

    @pytest.mark.parametrize("language", sorted({*LANGUAGES} - {"en"}))
    def test_none_was_left_in_english(self, domain, language):
        english = ALL[domain].words["en"]
        same = {key for key, text in ALL[domain].words[language].items() if text == english[key]}
        assert same == SAME_AS_ENGLISH.get((domain, language), set())

    def test_french_has_a_hard_space_before_what_stands_off(self, domain):
        for text in ALL[domain].words["fr"].values():
            for before, sign in pairwise(text):
                assert sign not in ":;!?»" or before in "\u00a0\u202f", text


@pytest.mark.parametrize("domain", ALL)
class TestPage:
    def test_it_knows_every_word_that_it_says(self, domain):
        text = "".join((PAGES / each).read_text() for each in (ALL[domain].script, *SHARED[domain]))
        said = set(re.findall(r"\bwords\.(\w+)", text)) | set(re.findall(r'"(page_\w+)"', text))
        said |= set(re.findall(r'\bsay\("(\w+)"', text))
        assert len(said) > 8
        assert said <= set(ALL[domain].keys)

    @pytest.mark.parametrize(
        ("asked", "language"),
        [("de", "de"), ("fr-CM", "fr"), ("it", "en"), (None, "en"), ("</script><script>alert(1)", "en")],
    )
    def test_it_comes_with_its_words(self, anybody, domain, asked, language):
        page = ALL[domain]
        answer = anybody.get(page.address, params={"language": asked} if asked else {})
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
        own = page.words[language]
        assert f'<html lang="{language}">' in answer.text
        assert f"<title>{own[page.title]}</title>" in answer.text
        button = {"quotes": "page_accept"}.get(domain, "page_send")
        assert f'<button type="submit">{own[button]}</button>' in answer.text
        [embedded] = re.findall(r'<script type="application/json" id="words">(.*?)</script>', answer.text)
        assert json.loads(embedded) == {key: own[key] for key in page.keys}
        assert "$" not in answer.text
