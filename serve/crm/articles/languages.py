"""How words of an article are brought to their stems: PostgreSQL's text search configuration of its language."""

from __future__ import annotations

from typing import Final

CONFIGS: Final = {
    "ar": "arabic",
    "ca": "catalan",
    "da": "danish",
    "de": "german",
    "el": "greek",
    "en": "english",
    "es": "spanish",
    "eu": "basque",
    "fi": "finnish",
    "fr": "french",
    "ga": "irish",
    "hi": "hindi",
    "hu": "hungarian",
    "hy": "armenian",
    "id": "indonesian",
    "it": "italian",
    "lt": "lithuanian",
    "nb": "norwegian",
    "ne": "nepali",
    "nl": "dutch",
    "nn": "norwegian",
    "no": "norwegian",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sr": "serbian",
    "sv": "swedish",
    "ta": "tamil",
    "tr": "turkish",
    "yi": "yiddish",
}
"""Those that every PostgreSQL from 14 on has."""


def config_of(language: str) -> str:
    """The configuration for ``de`` or ``de-AT``; ``simple``, which takes words as they stand, for any other.

    >>> config_of("de-AT"), config_of("ja")
    ('german', 'simple')
    """
    return CONFIGS.get(language.partition("-")[0], "simple")
