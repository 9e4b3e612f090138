"""How recording a consent can fail."""

from serve.kernel.errors import Conflict, Invalid


class PurposeUnknown(Invalid):
    code, message = "PURPOSE_UNKNOWN", "There is no such purpose of your company, or it is not used any more."

    def __init__(self) -> None:
        super().__init__(details=[("purpose_id", "is no purpose that is in use")])


class TextUnknown(Invalid):
    code, message = "CONSENT_TEXT_UNKNOWN", "The purpose has no text of that version."

    def __init__(self) -> None:
        super().__init__(details=[("text_version", "is no version of the purpose's text")])


class PurposeInUse(Conflict):
    code, message = (
        "PURPOSE_IN_USE",
        "Its lawful basis and its key cannot change any more: people have decided about it.",
    )
