"""How calls about articles can fail."""

from serve.kernel.errors import Conflict, NotFound


class ArticleEmpty(Conflict):
    code, message = "ARTICLE_EMPTY", "An article without a body cannot be published."


class NotPublished(Conflict):
    code, message = (
        "ARTICLE_NOT_PUBLISHED",
        "The article is not published: there is nothing that readers see.",
    )


class SuggestionNotFound(NotFound):
    code, message = "SUGGESTION_NOT_FOUND", "Nothing was suggested under this id with that article."


class ArticleVersionNotFound(NotFound):
    code, message = "ARTICLE_VERSION_NOT_FOUND", "The article has no such version."
