"""What a customer reads of quotes, in every language that is spoken to them: a module each, with the same keys."""

from serve.crm.quotes.words import de, en, es, fr
from serve.kernel.speech import Words

WORDS: Words = {"en": en.WORDS, "de": de.WORDS, "fr": fr.WORDS, "es": es.WORDS}
