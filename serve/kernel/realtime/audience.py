"""What there is to hear, and who may hear it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sqlalchemy import MetaData

from serve.kernel.caller import Caller
from serve.kernel.errors import Invalid
from serve.kernel.events import catalogue
from serve.kernel.permissions import Permission, known_permission
from serve.kernel.realtime.messages import Message

EVERYTHING = "*"
MOST_TOPICS = 100
_ROW = re.compile(r"entity:(\w+):[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Audience:
    """Made of the catalogue of events, once every module that declares some is imported.

    An event takes the permission that was declared with its name, else the one to read its table (or what the table
    says under ``heard_with``), else that of the whole feed.
    """

    def __init__(self, tables: MetaData) -> None:
        told = [event for event in catalogue(tables) if event.category in ("change", "hint")]
        self._of_entity: dict[str, Permission] = {}
        for table in tables.tables.values():
            permission = known_permission(table.info.get("heard_with", f"{table.name}:read"))
            if permission and "entity" in table.info:
                self._of_entity[table.info["entity"]] = permission
        self._of_name = {event.name: event.permission for event in told if event.permission}
        self._addressed = {event.name for event in told if event.is_addressed}
        self.names = {event.name: self.permission(event.name, event.name.partition(".")[0]) for event in told}
        self._areas = {f"{name.partition('.')[0]}.*" for name in self.names}
        self._entities = {
            *(table.info["entity"] for table in tables.tables.values() if "entity" in table.info),
            *(name.partition(".")[0] for name in self.names),
        }

    def permission(self, name: str, entity_type: str) -> Permission:
        """What whoever hears of it must have."""
        return self._of_name.get(name) or self._of_entity.get(entity_type) or "events:read"

    def admits(self, caller: Caller, message: Message) -> bool:
        """Whether the caller may hear of it; that it is of a tenant of theirs is seen to elsewhere."""
        if self.permission(message.name, message.entity_type) not in caller.permissions:
            return False
        return message.name not in self._addressed or message.data.get("user_id") == str(caller.user_id)

    def topics(self, words: Iterable[str]) -> frozenset[str]:
        """The words as topics. Raises Invalid naming each that is none."""
        asked = list(words)
        unknown = [
            (f"topics[{number}]", f"'{word[:100]}' is unknown: {_HOW}")
            for number, word in enumerate(asked)
            if not self._is_topic(word)
        ]
        if len(asked) > MOST_TOPICS:
            unknown.append(("topics", f"takes at most {MOST_TOPICS}"))
        if unknown:
            raise Invalid("There are no such topics.", details=unknown)
        return frozenset(asked)

    def _is_topic(self, word: str) -> bool:
        if word == EVERYTHING or word in self.names or word in self._areas:
            return True
        if row := _ROW.fullmatch(word):
            return row[1] in self._entities
        kind, colon, entity = word.partition(":")
        return bool(kind == "entity" and colon and entity in self._entities)


_HOW = "a topic is `*`, a name of docs/api/realtime.md, `lead.*`, `entity:lead` or `entity:lead:<id>`"
