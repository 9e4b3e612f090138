"""Names that front ends listen for, of domains whose calls are still to come; each moves to its domain with them.

The rows of `leads`, `campaigns` and `notifications` say theirs by themselves (migration 0007); the others are said with
``emit`` and ``hint`` of serve/kernel/events.py.
"""

from __future__ import annotations

from serve.kernel.events import event

CAMPAIGN_STATUS = event(
    "campaign.status",
    "The campaign moved to another status: `before` and `after` hold both.",
    permission="campaigns:read",
)
NOTIFICATION_NEW = event(
    "notification.new",
    "The person whose id is `after.user_id` has a new notification: its kind and what it is about, not its words.",
    permission="self:read",
    is_addressed=True,
)
SCRAPE_PROGRESS = event(
    "scrape.progress",
    "How far a scrape job has got: `done_count` of `total_count`.",
    permission="scrapes:read",
    category="hint",
)
SCRAPE_COMPLETED = event("scrape.completed", "A scrape job finished.", permission="scrapes:read")
APPROVAL_PENDING = event("approval.pending", "Something waits for a decision.", permission="approvals:read")
APPROVAL_RESOLVED = event("approval.resolved", "An approval was decided.", permission="approvals:read")
WORKFLOW_STARTED = event("workflow.started", "A run of a workflow began.", permission="workflows:read")
WORKFLOW_COMPLETED = event("workflow.completed", "A run of a workflow ended.", permission="workflows:read")
