"""What the link in a request for a review opens."""

from serve.crm.opinions import FORM
from serve.crm.reviews.words import WORDS
from serve.platform.pages.spoken import SpokenPage

PAGE = SpokenPage("/reviews/answer", FORM, WORDS, script="review.js")
