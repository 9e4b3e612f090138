"""What a quote's link opens: ``page.html``, filled by ``serve/pages/quote.js``."""

from pathlib import Path

from serve.crm.quotes.words import WORDS
from serve.platform.pages.spoken import SpokenPage

PAGE = SpokenPage(
    "/quotes/accept",
    Path(__file__).with_name("page.html"),
    WORDS,
    script="quote.js",
    title="quote",
    further=("quote", "tax", "subtotal", "discount", "net", "total"),
)
