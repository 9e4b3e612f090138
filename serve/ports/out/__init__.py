"""The one door to addresses that somebody outside may have chosen: webhooks, base URLs, pages to read, mail servers."""

from serve.ports.out.addresses import LookUp, checked, is_public, look_up
from serve.ports.out.door import Answer, Door, Limits
from serve.ports.out.errors import AddressRefused, OutError, TooLarge, Unanswered, Unreachable

__all__ = [
    "AddressRefused",
    "Answer",
    "Door",
    "Limits",
    "LookUp",
    "OutError",
    "TooLarge",
    "Unanswered",
    "Unreachable",
    "checked",
    "is_public",
    "look_up",
]
