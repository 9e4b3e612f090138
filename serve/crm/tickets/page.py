"""What the link in a mail about a resolved ticket opens."""

from serve.crm.opinions import FORM
from serve.crm.tickets.words import WORDS
from serve.platform.pages.spoken import SpokenPage

PAGE = SpokenPage("/tickets/rate", FORM, WORDS, script="rating.js")
