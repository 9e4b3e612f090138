"""What the simulated business knows about itself: the causes that models and marts should find again.

Only numbers and the formulas they enter; the simulator calls these very functions. In words:
docs/data/demo.md.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.demo.draw import Floats


@dataclass(frozen=True)
class Component:
    """A part that fails, and how its sensors drift (added at the moment of failure) on the way there."""

    name: str
    share: float
    vibration_mm_s: float
    temperature_c: float
    voltage_v: float
    pressure_kpa: float
    repair_cents: int
    repair: str


# -- failures ----------------------------------------------------------------------------------------------
COMPONENTS = (
    Component("gearbox bearing", 0.40, 2.6, 7.0, 0.0, 0.0, 140_000, "Gearbox bearing replaced"),
    Component("cooling system", 0.30, 0.9, 17.0, 0.0, -12.0, 90_000, "Water pump and hoses replaced"),
    Component("drive shaft", 0.20, 3.2, 4.0, 0.0, 0.0, 110_000, "Drive shaft balanced, joint replaced"),
    Component("alternator", 0.10, 1.0, 5.0, -1.3, 0.0, 60_000, "Alternator and belt replaced"),
)
ONSET_PER_DAY = 0.0042
"""Chance of a driven day that a fault begins, on a vehicle just serviced."""
ONSET_PER_10_000_KM = 0.9
"""The logarithm of that chance rises by this much every 10,000 km since the last service."""
ONSET_MISSED_SERVICE_FACTOR = 1.7
"""Each missed service multiplies the chance."""
DRIFT_DAYS_MEAN, DRIFT_DAYS_SD = 10.0, 2.0
"""Days from the beginning of a fault to the failure."""
DRIFT_POWER = 1.5
"""A fault's drift is (share of the way to failure) to this power of its component's full drift."""
SUDDEN_SHARE = 0.06
"""Faults that fail at once, with no drift to see."""
FOUND_AT_SERVICE_SHARE = 0.5
"""A service during the drift finds the fault this often: it is then repaired before it fails."""
SERVICE_EVERY_KM = 12_000.0
MISSED_SERVICE_SHARE = 0.22
MONEY_PIT_REGISTRATION = "PLK-013"
MONEY_PIT_ONSET_FACTOR, MONEY_PIT_COST_FACTOR = 3.5, 2.5


def failure_onset_hazard(km_since_service: Floats, missed_services: NDArray, frailty: Floats) -> Floats:
    """Chance that a fault begins on a driven day; frailty is the vehicle's own factor (median 1)."""
    log_rate = (
        ONSET_PER_10_000_KM * km_since_service / 10_000
        + np.log(ONSET_MISSED_SERVICE_FACTOR) * missed_services
    )
    return np.minimum(ONSET_PER_DAY * frailty * np.exp(log_rate), 0.3)


# -- churn -------------------------------------------------------------------------------------------------
CHURN_PER_DAY = 0.000055
"""Chance a day that a content account leaves."""
CHURN_WEIGHTS = {
    "late_jobs_90d": 1.20,
    "cancelled_jobs_90d": 1.20,
    "rating_gap": 0.70,
    "open_tickets": 1.20,
    "failed_payments_90d": 1.20,
    "silent_30_days": 0.75,
}
"""What each adds to the logarithm of that chance, per unit."""
CHURN_CAPS = {
    "late_jobs_90d": 4.0,
    "cancelled_jobs_90d": 3.0,
    "rating_gap": 3.0,
    "open_tickets": 2.0,
    "failed_payments_90d": 2.0,
    "silent_30_days": 5.0,
}
CONTENT_RATING = 4.2


def churn_hazard(
    late_jobs_90d: NDArray,
    cancelled_jobs_90d: NDArray,
    rating_mean_180d: Floats,
    open_tickets: NDArray,
    failed_payments_90d: NDArray,
    silent_days: NDArray,
) -> Floats:
    """Chance a day that an account leaves; an unrated account (NaN) has no rating gap."""
    gap = np.nan_to_num(CONTENT_RATING - rating_mean_180d, nan=0.0)
    causes = {
        "late_jobs_90d": late_jobs_90d,
        "cancelled_jobs_90d": cancelled_jobs_90d,
        "rating_gap": gap,
        "open_tickets": open_tickets,
        "failed_payments_90d": failed_payments_90d,
        "silent_30_days": silent_days / 30,
    }
    log_rate = sum(
        CHURN_WEIGHTS[name] * np.clip(value, 0, CHURN_CAPS[name]) for name, value in causes.items()
    )
    return np.minimum(CHURN_PER_DAY * np.exp(log_rate), 0.2)


# -- leads -------------------------------------------------------------------------------------------------
SOURCES = ("referral", "partner", "newsletter", "search", "social", "bought_list")
SOURCE_EFFECT = (1.1, 0.5, 0.3, 0.0, -0.5, -1.1)
WIN_INTERCEPT = 0.25
WIN_PER_LOG_REPLY_HOUR = -1.15
"""Effect of log(1 + hours until the first reply): one hour against one day costs 2.9 in log odds."""
WIN_IF_COMPANY = 0.25
WIN_PER_LOG_VISIT = 0.2
UNANSWERED_REPLY_HOURS = 21 * 24.0
"""A lead nobody answers behaves like one answered after three weeks."""


def win_probability(
    reply_hours: Floats, source: NDArray, is_company: NDArray, visits: NDArray, shift: Floats
) -> Floats:
    """Chance that a lead is won.

    `source` indexes SOURCES, `reply_hours` is NaN for a lead never answered, `shift` comes with its campaign.
    """
    hours = np.nan_to_num(reply_hours, nan=UNANSWERED_REPLY_HOURS)
    log_odds = (
        WIN_INTERCEPT
        + WIN_PER_LOG_REPLY_HOUR * np.log1p(hours)
        + np.asarray(SOURCE_EFFECT)[source]
        + WIN_IF_COMPANY * is_company
        + WIN_PER_LOG_VISIT * np.log1p(visits)
        + shift
    )
    return 1 / (1 + np.exp(-log_odds))


# -- campaigns: cost as a multiple of the value they are expected to win -----------------------------------
PROFITABLE_CAMPAIGN = "Spring check-up mailing"
PROFITABLE_COST_SHARE = 0.12
LOSING_CAMPAIGN = "City light posters"
LOSING_COST_SHARE = 3.5

# -- revenue -----------------------------------------------------------------------------------------------
WEEKDAY_DEMAND = (1.25, 1.15, 1.05, 1.05, 1.15, 0.85, 0.50)
"""Orders by weekday, Monday first. Work is done on open days: Sundays and holidays only in part."""
YEAR_AMPLITUDE = 0.22
YEAR_PEAK_DAY = 165
HOLIDAY_DEMAND = 0.35
TREND_PER_YEAR = 0.06


def demand(day: NDArray, weekday: NDArray, day_of_year: NDArray, is_holiday: NDArray) -> Floats:
    """Orders relative to an average day of the first year."""
    season = 1 + YEAR_AMPLITUDE * np.cos(2 * np.pi * (day_of_year - YEAR_PEAK_DAY) / 365.25)
    holiday = np.where(is_holiday, HOLIDAY_DEMAND, 1.0)
    return np.asarray(WEEKDAY_DEMAND)[weekday] * season * holiday * (1 + TREND_PER_YEAR * day / 365)


# -- people who log in -------------------------------------------------------------------------------------
WEEKDAY_PRESENCE = (1.0, 1.0, 1.0, 1.0, 0.95, 0.3, 0.1)
"""Coming in by weekday, Monday first, relative to an ordinary Monday."""
HOLIDAY_PRESENCE = 0.2
FAILED_TRIES = (0.93, 0.05, 0.015, 0.005)
"""Share of log-ins with a password that come after 0, 1, 2 and 3 wrong ones."""
AWAY_SHARE = 0.03
"""Of a person's weeks in which they come in from abroad."""
FAR_TRAVELLER_OF, FAR_TRAVELLER, FAR_TRAVEL_DAY = "prairie-lark-fleet", 2, 700
"""Tenant, person and day of the one log-in that cannot be the same person's: 40 minutes later from Singapore."""
FAR_TRAVEL_MINUTES, FAR_TRAVEL_COUNTRY = 40, "SG"
ATTACK_OF, ATTACK_DAY, ATTACK_TRIES = "hearth-and-hinge", 610, 14
"""Tenant and day on which somebody tries many passwords of the owner's account within minutes, from three addresses."""


def presence(rate: Floats, weekday: NDArray, is_holiday: NDArray) -> Floats:
    """Chance that somebody comes in on a day."""
    return rate * np.asarray(WEEKDAY_PRESENCE)[weekday] * np.where(is_holiday, HOLIDAY_PRESENCE, 1.0)
