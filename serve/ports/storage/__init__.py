"""Where the bytes of files lie: any place that ``fsspec`` knows, a folder unless said."""

from serve.ports.storage.bytes import Aside, Storage

__all__ = ["Aside", "Storage"]
