"""The landing zone: Parquet files that exist once a manifest names them. See docs/architecture.md, Landing."""

from warehouse.landing.loads import Load, Part
from warehouse.landing.views import create_views
from warehouse.landing.zone import Damage, Landing, LoadWriter, Writer

__all__ = ["Damage", "Landing", "Load", "LoadWriter", "Part", "Writer", "create_views"]
