"""How a look can be refused."""

from __future__ import annotations

from serve.kernel.errors import Conflict, Invalid, NotFound


class ClientNotFound(NotFound):
    code, message = "CLIENT_NOT_FOUND", "There is no such client."


class VersionNotFound(NotFound):
    code, message = "BRAND_VERSION_NOT_FOUND", "There is no version of that number."


class PictureNotFound(NotFound):
    code, message = "BRAND_PICTURE_NOT_FOUND", "No such picture is published under this name."


class NothingPublished(Conflict):
    code, message = "NOTHING_PUBLISHED", "No look is published, so there is none to take back."


class ScriptRefused(Invalid):
    code, message = (
        "SCRIPT_REFUSED",
        "Scripts are not taken: they would run as whoever looks at the page. Use tokens and style rules.",
    )


class StyleRefused(Invalid):
    code, message = "STYLE_REFUSED", "The style rules hold something that is not allowed."


class ContrastTooLow(Invalid):
    code, message = (
        "CONTRAST_TOO_LOW",
        "Some text could not be read on its ground. Text needs a contrast of 4.5 to 1 (WCAG 2.2 AA).",
    )


class PictureRefused(Invalid):
    code, message = "BRAND_PICTURE_REFUSED", "The file cannot be shown as a picture of the brand."


class FeatureRefused(Invalid):
    code, message = "FEATURE_REFUSED", "A feature cannot be switched on."
