"""A table, its schemas and its rules, declared once; the calls that come from it."""

from serve.kernel.resources.declaration import Resource
from serve.kernel.resources.schemas import Fields, Record, patch_of, read_of
from serve.kernel.resources.store import Row

__all__ = ["Fields", "Record", "Resource", "Row", "patch_of", "read_of"]
