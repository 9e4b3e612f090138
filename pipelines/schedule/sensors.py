"""What starts a run besides the clock."""

import dagster as dg

ALL: list[dg.SensorDefinition] = []
