"""One tenant's simulated past and near future, before it becomes tables."""

from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np
import polars as pl

from pipelines.demo import customers, fleet, leads, people
from pipelines.demo.calendar import Calendar, make_calendar
from pipelines.demo.draw import DAY_US, HOUR_US, Bools, Ints, stream, uuids
from pipelines.demo.profiles import Profile, Scale


@dataclass(frozen=True)
class World:
    """Everything that happened and will happen; `ids` by table, in the order of the arrays."""

    profile: Profile
    scale: Scale
    seed: int
    calendar: Calendar
    campaigns: leads.Campaigns
    leads: leads.Leads
    customers: customers.Customers
    fleet: fleet.Fleet
    people: people.People
    ids: dict[str, pl.Series] = field(repr=False)
    guest_user_id: str | None = None
    """A person of another tenant who may look at this one."""

    def with_guest(self, other: "World") -> "World":
        """This world, where the other's administrator is a viewer."""
        return replace(self, guest_user_id=other.ids["users"][people.ADMIN])

    @property
    def tenant_id(self) -> str:
        return str(self.ids["tenants"][0])

    @property
    def start_us(self) -> int:
        return int(self.calendar.day_us(0))

    @property
    def currency(self) -> str:
        return self.profile.currency

    def rng(self, name: str) -> np.random.Generator:
        """The generator of one table, the same at every look."""
        return stream(self.seed, self.profile.slug, name)

    def new_ids(self, table: str, at_us: Ints) -> pl.Series:
        return uuids(at_us, self.rng(f"{table} ids"))

    def day_of(self, at_us: Ints) -> Ints:
        """Days since 1970 of these moments."""
        return np.asarray(at_us) // DAY_US

    def account_created_us(self) -> Ints:
        """Accounts of won leads exist from the day the lead was qualified."""
        accounts = self.customers.accounts
        return np.where(accounts.lead >= 0, self.leads.qualified_us[accounts.lead], accounts.since_us)

    def is_open_account(self, at_us: Ints, account: Ints) -> Bools:
        churned = self.customers.accounts.churned_us[account]
        return (churned < 0) | (churned > at_us)


def make_world(profile: Profile, scale: Scale, seed: int, until: date) -> World:
    calendar = make_calendar(until, profile.country)
    campaigns, lead_history = leads.arrive(profile, calendar, scale.customers, seed)
    history = customers.live(profile, calendar, lead_history, scale.customers, seed)
    vehicles = fleet.drive(profile, calendar, scale, seed)
    staff = people.work(profile, calendar, seed)
    world = World(profile, scale, seed, calendar, campaigns, lead_history, history, vehicles, staff, ids={})
    zones = len(profile.places)
    providers = zones * customers.providers_per_zone(profile, scale.customers)
    start = world.start_us

    def setup(count: int, hours_before: int) -> Ints:
        return start - hours_before * HOUR_US + np.arange(count)

    acquired = calendar.day_us(vehicles.vehicles.acquired_day) + 8 * HOUR_US
    created = {
        "tenants": setup(1, 24 * 400),
        "users": staff.joined_us[: len(people.STAFF)],
        "zones": setup(zones, 24 * 398),
        "providers": setup(providers, 24 * 397),
        "vehicles": acquired + np.arange(len(acquired)),
        "campaigns": campaigns.started_us - 5 * DAY_US,
        "accounts": world.account_created_us(),
        "leads": lead_history.created_us,
        "jobs": history.jobs.requested_us,
    }
    world.ids.update({table: world.new_ids(table, at) for table, at in created.items()})
    return world
