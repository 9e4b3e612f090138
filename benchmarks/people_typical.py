"""``python -m benchmarks.people_typical``: what the matcher takes for typical, learned from the tuning set."""

from __future__ import annotations

import json
from typing import Any

from benchmarks.common import console
from benchmarks.people import PEOPLE, SETS
from benchmarks.people_set import rows_of_people
from ml.matching import kin, model
from ml.matching.features import WANTED

NOTHING: dict[str, Any] = {
    "levels": {},
    "agreeing": {},
    "beside": {"email": 0.1, "phone": 0.3},
    "relatives": {"phone": 0.5, "email": 0.1, "city": 0.8},
}
"""What the estimates begin with."""


def learned(people: int = PEOPLE) -> dict[str, Any]:
    """``levels``: (m, u) of each level by field; ``agreeing``: how often strangers agree; ``beside``: at how
    many addresses and numbers there are several people; ``relatives``: how often they agree."""
    lists, seed = SETS["tuning"]
    frame = rows_of_people(lists, people=people, seed=seed).select(WANTED)
    matcher = model.fit(frame, otherwise=NOTHING)
    rows = model.prepared(frame)
    levels = {
        comparison["output_column_name"]: [
            (_short(each["m_probability"]), _short(each["u_probability"]))
            for each in comparison["comparison_levels"]
            if not each.get("is_null_level")
        ]
        for comparison in matcher.settings["comparisons"]
    }
    relatives = matcher.kinds[0].agreeing
    return {
        "levels": levels,
        "agreeing": {field: _short(kin.agreeing(matcher.settings, field)[1]) for field in model.FILLED_UP},
        "beside": {field: _short(model.beside(rows, field, NOTHING)) for field in NOTHING["beside"]},
        "relatives": {field: _short(share) for field, share in relatives.items()},
    }


def _short(share: float) -> float:
    return float(f"{share:.4g}")


if __name__ == "__main__":
    model.TYPICAL.write_text(json.dumps(learned(), indent=2) + "\n")
    console.print(f"written: {model.TYPICAL.name}")
