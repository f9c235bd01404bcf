"""The sensor that asks the messenger for replies: each minute where no webhook can reach us, now and then otherwise.

What is done with a reply is in `outreach.replies`.
"""

import datetime as dt

import dagster as dg

from leadflow_pipelines.clearance.hash_keys import load_hash_keys
from leadflow_pipelines.errors import LeadflowError
from leadflow_pipelines.outreach.replies.poll_replies import FIRST_LOOK, poll_replies
from leadflow_pipelines.settings import Settings
from resources.workspace_resource import WorkspaceResource

EVERY_SECONDS = 60
WITH_WEBHOOKS = dt.timedelta(minutes=15)
"""Twilio brings a webhook once: what came while the gateway was down is found so."""


def build_replies_sensor() -> dg.SensorDefinition:
    """Polls replies of texts. The cursor is the instant of the last time that worked."""

    @dg.sensor(
        name="replies",
        minimum_interval_seconds=EVERY_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,  # it costs nothing, and an opt-out must not wait for an operator
        description="Asks the messenger for replies: each minute, with LEADFLOW_PUBLIC_URL every 15 minutes.",
    )
    def replies(context: dg.SensorEvaluationContext, workspace: WorkspaceResource) -> dg.SkipReason:
        opened = workspace.open()
        now = dt.datetime.now(dt.UTC)
        last = dt.datetime.fromisoformat(context.cursor) if context.cursor else None
        if reason := why_not(opened.settings, last, now):
            return dg.SkipReason(reason)
        try:
            polled = poll_replies(
                opened.database,
                opened.org,
                since=last or now - FIRST_LOOK,
                now=now,
                keys=load_hash_keys(opened.settings),
                settings=opened.settings,
            )
        except LeadflowError as error:
            return dg.SkipReason(f"{error.message} {error.remedy or ''}".strip())
        context.update_cursor(now.isoformat())
        return dg.SkipReason(
            f"{polled.new} new replies of {polled.listed}: {polled.suppressed} opted out, "
            f"{polled.needs_person} wait for a person."
        )

    return replies


def why_not(settings: Settings, last: dt.datetime | None, now: dt.datetime) -> str | None:
    """Why replies are not asked for now; None where they are."""
    if settings.twilio_account_sid is None:
        return "Twilio is not configured: no texts, no replies."
    if settings.public_url is not None and last is not None and now - last < WITH_WEBHOOKS:
        return f"Webhooks reach {settings.public_url}; lost ones are looked for every 15 minutes."
    return None
