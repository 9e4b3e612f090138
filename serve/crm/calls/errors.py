"""How the transcription of a call can be refused."""

from serve.kernel.errors import Conflict


class CallNotRecorded(Conflict):
    code, message = "CALL_NOT_RECORDED", "The call has no recording that could be transcribed."


class RecordingTooLarge(Conflict):
    """Says how large it may be."""

    code, message = "RECORDING_TOO_LARGE", "The recording is larger than services for transcription take."


class TranscriptStands(Conflict):
    code = "TRANSCRIPT_STANDS"
    message = "The call has a transcript. Say `replace` to have it written anew."
