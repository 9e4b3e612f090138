"""How calls about tags can fail."""

from serve.kernel.errors import Conflict, NotFound


class TagNotOnRow(NotFound):
    code, message = "TAG_NOT_ON_ROW", "That tag is not on this row."


class TooManyTags(Conflict):
    code, message = "TOO_MANY_TAGS", "A row has 50 tags at most. Take one off first."
