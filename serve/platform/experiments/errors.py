"""How an experiment can fail."""

from __future__ import annotations

from serve.kernel.errors import Conflict, Invalid
from serve.kernel.resources.errors import absent

MemberNotFound = absent("member")


class ExperimentInvalid(Invalid):
    code, message = "EXPERIMENT_INVALID", "The parts of the experiment do not go together."


class ExperimentState(Conflict):
    code, message = "EXPERIMENT_STATE", "An experiment goes from draft to running to stopped, and never back."


class ExperimentRunning(Conflict):
    code, message = (
        "EXPERIMENT_RUNNING",
        "What decides who gets what stays as it is from the start on; a running experiment may only take in more.",
    )


class FlagOccupied(Conflict):
    code, message = "FLAG_OCCUPIED", "Another experiment runs on the flag."
