"""How calls about keys can fail."""

from serve.kernel.errors import Conflict, NotFound


class ApiKeyNotFound(NotFound):
    code, message = "API_KEY_NOT_FOUND", "There is no such API key, or it is not yours."


class ApiKeyRevoked(Conflict):
    code, message = "API_KEY_REVOKED", "A revoked key cannot be changed. Make a new one."
