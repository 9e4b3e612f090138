"""Durable work: what takes longer than a request may, and must survive a crash in the middle.

A domain declares a kind of task and enqueues it in its own transaction; ``throughline worker`` carries it out.
"""

from serve.kernel.tasks.invoking import invoke_later
from serve.kernel.tasks.kinds import Kind, task
from serve.kernel.tasks.store import enqueue
from serve.kernel.tasks.work import OutcomeUnknown, Work

__all__ = ["Kind", "OutcomeUnknown", "Work", "enqueue", "invoke_later", "task"]
