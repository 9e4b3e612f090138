"""How something asked of a task can fail."""

from serve.kernel.errors import Conflict, TimedOut


class TaskEnded(Conflict):
    code, message = "TASK_ENDED", "The task has ended; there is nothing left to stop."


class TaskNotPaused(Conflict):
    code, message = "TASK_NOT_PAUSED", "Only a paused task can be resumed."


class TaskNotFailed(Conflict):
    code, message = "TASK_NOT_FAILED", "Only a task that failed or was cancelled can be tried again."


class TaskNotDead(Conflict):
    code, message = "TASK_NOT_DEAD", "Only a task that failed can be put aside."


class StepTookTooLong(TimedOut):
    code, message = (
        "TASK_STEP_TIMED_OUT",
        "A step of the task took longer than its kind allows, and was cut off.",
    )
