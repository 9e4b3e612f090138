"""A made-up shop as a source, and a landing zone to bring it to."""

from __future__ import annotations

from pathlib import Path

import duckdb

from pipelines.sources.ingest import ingest_folder
from pipelines.sources.profile import Profile, parse_profile
from pipelines.sources.report import SourceReport
from warehouse.contracts import load_contracts
from warehouse.landing import Landing, create_views
from warehouse.settings import Home

SHOP = """
tenant: {name: Shop, country: DE, timezone: Europe/Berlin, currency: EUR}
delivery: %(delivery)s
files:
  orders: {path: "orders*", missing: [n/a]}
tables:
  - table: accounts
    from: orders
    where: customer is not null
    group_by: customer
    key: customer
    constants: {kind: company, segment: smb, status: active, country: DE}
    columns: {company_name: customer}
  - table: invoices
    from: orders
    key: number
    constants: {status: sent, is_return: false, tax_cents: 0}
    columns:
      account_id: id('accounts', customer)
      number: number
      issued_at: issued
      net_cents: cents(price)
      total_cents: cents(price)
"""
HEADER = "number,customer,issued,price\n"
ROWS = "1,Anna,2026-01-02 10:00,2.50\n2,Bert,2026-07-02 10:00,19.99\n3,n/a,2026-07-03 23:30,5\n"


class Shop:
    """The source's folder and what has landed from it."""

    def __init__(self, root: Path, delivery: str = "complete") -> None:
        self.home = Home(root / "home").create()
        self.sources = root / "sources"
        self.folder = self.sources / "shop"
        self.folder.mkdir(parents=True)
        self.profile = parse_profile("shop", SHOP % {"delivery": delivery})

    @property
    def profiles(self) -> dict[str, Profile]:
        return {"shop": self.profile}

    def put(self, content: bytes | str, name: str = "orders.csv") -> Path:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def ingest(self) -> SourceReport:
        (report,) = ingest_folder(self.home, self.sources, run_id="run", profiles=self.profiles)
        assert report.is_accounted
        return report

    def rows(self, query: str) -> list[tuple]:
        return rows(self.home, query)

    @property
    def numbers(self) -> list[str]:
        return [number for (number,) in self.rows("select number from invoices order by number")]

    @property
    def loads(self) -> int:
        return len(Landing(self.home).loads())


def rows(home: Home, query: str) -> list[tuple]:
    """Ask for current rows, as the warehouse would know them: the newest version of each key."""
    landing = Landing(home)
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        create_views(connection, landing.folder, landing.live(), load_contracts())
        for table in load_contracts():
            connection.execute(
                f"create view {table} as select * from landing.{table}"
                " qualify row_number() over (partition by id order by _load desc) = 1"
            )
        return connection.execute(query).fetchall()
