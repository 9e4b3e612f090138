"""How reading an import can fail."""

from serve.kernel.errors import NotFound


class ImportNotFound(NotFound):
    code, message = "IMPORT_NOT_FOUND", "There is no such import."
