"""The three simulated companies and the three sizes: every name is invented, every number a choice."""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True)
class Service:
    name: str
    price_cents: int
    hours: float
    weight: float
    cost_share: float


@dataclass(frozen=True)
class Plan:
    name: str
    mrr_cents: int


@dataclass(frozen=True)
class Profile:
    """One tenant in size small; counts of customers, leads and providers grow with the size."""

    slug: str
    name: str
    kind: str
    domain: str
    country: str
    timezone: str
    currency: str
    opens_at_h: int
    """UTC hour at which the day's work begins; a working day never crosses midnight UTC."""
    tax_share: float
    initial_accounts: int
    company_share: float
    orders_per_day: float
    """Mean orders of an active account a day."""
    churn_factor: float
    """On the daily chance of leaving: contracts hold a fleet's customers longer."""
    works_when_closed: float
    """Share of jobs falling on a Sunday or holiday that are done there and then."""
    leads: int
    deal_cents: int
    subscription_share: float
    plans: tuple[Plan, ...]
    services: tuple[Service, ...]
    places: tuple[tuple[str, str, float, float], ...]
    """Zone, city, latitude, longitude."""
    providers_per_zone: int
    provider_kind: str
    hourly_cost_cents: int
    vehicle_share: float
    registration_prefix: str
    fuel_cents_per_l: float
    rent_cents: int


FLEET = Profile(
    slug="prairie-lark-fleet",
    name="Prairie Lark Fleet (simulated)",
    kind="fleet",
    domain="prairie-lark.example",
    country="US",
    timezone="America/Chicago",
    currency="USD",
    opens_at_h=11,
    tax_share=0.07,
    initial_accounts=150,
    company_share=1.0,
    orders_per_day=0.06,
    churn_factor=0.45,
    works_when_closed=0.25,
    leads=540,
    deal_cents=90_000,
    subscription_share=0.55,
    plans=(
        Plan("Fleet contract S", 45_000),
        Plan("Fleet contract M", 120_000),
        Plan("Fleet contract L", 260_000),
    ),
    services=(
        Service("parcel route", 38_000, 4.0, 0.5, 0.62),
        Service("airport shuttle", 21_000, 2.0, 0.3, 0.58),
        Service("machine transport", 94_000, 4.5, 0.2, 0.66),
    ),
    places=(
        ("North depot", "Larkfield", 41.98, -87.90),
        ("Lake depot", "Larkfield", 41.88, -87.63),
        ("South depot", "Corn Hollow", 41.53, -88.08),
        ("West depot", "Prairie End", 41.76, -88.32),
    ),
    providers_per_zone=12,
    provider_kind="technician",
    hourly_cost_cents=3_400,
    vehicle_share=0.82,
    registration_prefix="PLK",
    fuel_cents_per_l=98.0,
    rent_cents=1_450_000,
)

MARKETPLACE = Profile(
    slug="hearth-and-hinge",
    name="Hearth & Hinge Home Services (simulated)",
    kind="marketplace",
    domain="hearth-and-hinge.example",
    country="GB",
    timezone="Europe/London",
    currency="GBP",
    opens_at_h=7,
    tax_share=0.20,
    initial_accounts=600,
    company_share=0.12,
    orders_per_day=0.018,
    churn_factor=0.9,
    works_when_closed=0.45,
    leads=1_100,
    deal_cents=26_000,
    subscription_share=0.20,
    plans=(Plan("Home care", 1_200), Plan("Home care plus", 2_400)),
    services=(
        Service("plumbing", 14_500, 1.5, 0.32, 0.70),
        Service("electrical", 16_000, 1.5, 0.22, 0.70),
        Service("cleaning", 7_200, 2.5, 0.26, 0.74),
        Service("boiler check", 9_800, 1.0, 0.12, 0.66),
        Service("painting", 42_000, 4.8, 0.08, 0.72),
    ),
    places=(
        ("Harbour", "Saltwick", 51.50, -0.02),
        ("Old town", "Saltwick", 51.51, -0.10),
        ("Hillside", "Saltwick", 51.56, -0.14),
        ("Riverside", "Emberton", 51.45, -0.20),
        ("Mill quarter", "Emberton", 51.43, -0.26),
        ("Garden suburb", "Emberton", 51.40, -0.18),
    ),
    providers_per_zone=9,
    provider_kind="partner",
    hourly_cost_cents=2_900,
    vehicle_share=0.0,
    registration_prefix="",
    fuel_cents_per_l=0.0,
    rent_cents=620_000,
)

FIELD_SERVICE = Profile(
    slug="kupferbach-klima",
    name="Kupferbach Klima & Solar (simulated)",
    kind="field_service",
    domain="kupferbach.example",
    country="DE",
    timezone="Europe/Berlin",
    currency="EUR",
    opens_at_h=5,
    tax_share=0.19,
    initial_accounts=620,
    company_share=0.35,
    orders_per_day=0.016,
    churn_factor=0.9,
    works_when_closed=0.10,
    leads=2_300,
    deal_cents=140_000,
    subscription_share=0.35,
    plans=(Plan("Maintenance basic", 2_900), Plan("Maintenance full", 7_900)),
    services=(
        Service("heat pump service", 24_000, 2.0, 0.4, 0.55),
        Service("air conditioning", 58_000, 4.0, 0.25, 0.60),
        Service("solar inspection", 19_000, 2.0, 0.25, 0.50),
        Service("emergency repair", 36_000, 2.5, 0.1, 0.58),
    ),
    places=(
        ("Nord", "Kupferbach", 50.98, 6.95),
        ("Mitte", "Kupferbach", 50.94, 6.96),
        ("Süd", "Lindental", 50.88, 6.98),
        ("Tal", "Lindental", 50.85, 7.05),
    ),
    providers_per_zone=6,
    provider_kind="technician",
    hourly_cost_cents=4_100,
    vehicle_share=0.18,
    registration_prefix="KB-K",
    fuel_cents_per_l=172.0,
    rent_cents=780_000,
)

PROFILES = (FLEET, MARKETPLACE, FIELD_SERVICE)


@dataclass(frozen=True)
class Scale:
    vehicles: int
    reading_every_s: int
    customers: float
    """Factor on accounts, leads and providers."""


class Size(StrEnum):
    TINY = "tiny"
    """For tests of other things: loads in a second or two, too little to learn from."""
    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"

    @property
    def scale(self) -> Scale:
        return _SCALES[self]


_SCALES = {
    Size.TINY: Scale(vehicles=6, reading_every_s=7_200, customers=0.08),
    Size.SMALL: Scale(vehicles=50, reading_every_s=1_800, customers=1.0),
    Size.MEDIUM: Scale(vehicles=480, reading_every_s=900, customers=3.0),
    Size.LARGE: Scale(vehicles=1_600, reading_every_s=300, customers=10.0),
}
