"""What was said in a recording, by a service that speaks as OpenAI's does: so do many that one runs oneself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

import httpx
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from serve.ports.way import Way, WaySettings

MOST_SOUND_BYTES = 25_000_000
MOST_CHARACTERS = 100_000


def _storable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("holds a zero byte")
    return text.strip()


class Transcript(BaseModel):
    """What else is said of it is passed over."""

    model_config = ConfigDict(extra="ignore")

    text: Annotated[str, Field(max_length=MOST_CHARACTERS), AfterValidator(_storable)]


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptionSettings(WaySettings):
    model: str = "whisper-1"
    language: str | None = None
    # None for a service of one's own, which asks for none.
    api_key: str | None = field(default=None, repr=False, metadata={"is_secret": True})


class Transcriber(Way[TranscriptionSettings]):
    """``transcribe`` gives what was said; it takes as long as the service does, five minutes at most."""

    name, kind = "The transcription service", TranscriptionSettings
    within_s = 300.0

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.settings.api_key}"} if self.settings.api_key else {}

    async def transcribe(self, sound: bytes, *, name: str, media_type: str) -> str:
        """Raises what calls outside raise. Asked twice it does the same twice: nothing there is changed by it."""
        said = {"model": self.settings.model, "response_format": "json"}
        if self.settings.language:
            said["language"] = self.settings.language
        form = httpx.Request("POST", "http://form", data=said, files={"file": (name, sound, media_type)})
        content = (form.headers["content-type"], form.read())
        return (await self.ask(Transcript, "POST", "/audio/transcriptions", content=content)).text
