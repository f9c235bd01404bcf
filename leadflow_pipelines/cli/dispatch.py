"""`leadflow dispatch`: send what running campaigns owe, until stopped; or answer for a database that was restored."""

import signal
import time
from threading import Event
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadflow_pipelines.cli.acting import NOT_ADVICE, ActorOption, actor
from leadflow_pipelines.cli.console import JsonOption, OrgOption, err, out, print_json, progress
from leadflow_pipelines.cli.session import open_session

if TYPE_CHECKING:
    from leadflow_pipelines.outreach.dispatch.dispatch_org import Messengers
    from leadflow_pipelines.outreach.dispatch.dispatcher import Tally
    from leadflow_pipelines.outreach.replies.poll_replies import ReplyPoll
    from resources.workspace import Workspace

PROGRESS_SECONDS = 5.0


def dispatch(
    once: Annotated[bool, typer.Option("--once", help="Send what is due now, and end.")] = False,
    seconds: Annotated[float | None, typer.Option(min=1, help="End after so many seconds.")] = None,
    accept_restore: Annotated[
        bool,
        typer.Option(
            "--accept-restore", help="Send nothing: set aside what may have gone out before the database was restored."
        ),
    ] = False,
    by: ActorOption = None,
    org: OrgOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send what the org's running campaigns owe, until interrupted (Ctrl-C or SIGTERM): what is under way is finished.

    Every message is decided anew at the instant it goes: consent, suppression, do-not-call answers, holds, the hours of
    every place the person may be in, and how often they were contacted. What may not go now waits; what may never go is
    blocked, and `leadflow explain message ID` says why. Run as many of these as you like: none sends a message twice.
    A message whose answer was lost is asked about every 30 seconds and never sent again; replies are asked for as often
    where no public URL brings them. `leadflow up` runs a job every few minutes that does the same, once its schedule is
    switched on.

    A database restored from a backup does not know what was sent since. That is found out by a note in the lake, and
    nothing is sent. Then --accept-restore --as NAME asks the messenger what it took for each person; what cannot be
    proven unsent becomes unknown and is never sent again, and running campaigns are paused until you resume them. Run
    `leadflow replies poll --hours N` before you do: opt-outs may be missing as well.
    """
    from leadflow_pipelines.outreach.dispatch import dispatch_org as dispatching

    workspace = open_session(org)
    messengers = dispatching.open_messengers(workspace.database, workspace.org, workspace.settings)
    if accept_restore:
        _accept_restore(workspace, messengers, actor(by), as_json=as_json)
        return
    for channel, why in messengers.lacking.items():
        err.print(f"Note: running campaigns use {channel}, and it is not ready: {why.message}", markup=False)
        err.print(f"      {why.remedy}", markup=False)
    stop, began = Event(), time.monotonic()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    if not once and seconds is None:
        progress(f"Dispatching for {workspace.org.slug} over {_listed(messengers.ready)}. Ctrl-C stops it.")
    done = dispatching.dispatch_org(
        workspace.database, workspace.org, messengers.ready, workspace.settings, dispatching.utc_now,
        stop=stop, seconds=seconds, only_due=once, on_round=_Progress(), listen=_listener(workspace, messengers.ready),
    )  # fmt: skip
    told = dispatching.as_json(done, began, workspace.org)
    if as_json:
        not_ready = {channel: why.message for channel, why in messengers.lacking.items()}
        print_json({**told, "not_ready": not_ready, "note": NOT_ADVICE})
    else:
        out.print(_sentence(told))
        out.print(NOT_ADVICE)


def _accept_restore(workspace: "Workspace", messengers: "Messengers", by: str, *, as_json: bool) -> None:
    from dataclasses import asdict

    from leadflow_pipelines.outreach.dispatch.accept_restore import accept_restore
    from leadflow_pipelines.outreach.dispatch.dispatch_org import utc_now

    if "sms" in messengers.lacking and "sms" not in messengers.ready:
        raise messengers.lacking["sms"]
    progress("Asking the messenger what was sent")
    done = accept_restore(
        workspace.database, workspace.org, messengers.ready, workspace.settings, actor=by, now=utc_now()
    )
    if as_json:
        print_json({"org": workspace.org.slug, **asdict(done)})
        return
    out.print(
        f"{done.unknown:,} messages may have been sent and never will be again; {done.unsent:,} are proven unsent and "
        f"wait. Paused: {', '.join(done.paused) or 'no campaign'}.",
        markup=False,
    )
    if done.not_started:
        out.print(
            f"Not started as far as this database knows: {', '.join(done.not_started)}. If one of them was, cancel it.",
            markup=False,
        )
    out.print("Ask for opt-outs (`leadflow replies poll --hours N`), then `leadflow campaign resume NAME --as NAME`.")


def _listener(workspace: "Workspace", channels: Any) -> "ReplyPoll | None":
    """Who asks for replies, where no webhook brings them: an opt-out must not wait for another process."""
    from leadflow_pipelines.outreach.dispatch.dispatch_org import utc_now
    from leadflow_pipelines.outreach.replies.poll_replies import ReplyPoll

    if workspace.settings.public_url is not None or "sms" not in channels:
        return None
    return ReplyPoll(workspace.database, workspace.org, workspace.settings, utc_now)


class _Progress:
    """Prints now and then what was done since the last time."""

    def __init__(self) -> None:
        self._since: Tally | None = None
        self._told_at = time.monotonic()

    def __call__(self, tally: "Tally") -> None:
        self._since = tally if self._since is None else self._since + tally
        if time.monotonic() - self._told_at < PROGRESS_SECONDS:
            return
        since, seconds = self._since, time.monotonic() - self._told_at
        if since.claimed or since.queued:
            answers = ", ".join(f"{name} {count:,}" for name, count in sorted(since.answers.items()))
            progress(
                f"{since.queued:,} queued, {since.claimed:,} claimed ({since.claimed / seconds:.0f}/s), "
                f"{since.blocked:,} blocked, {since.postponed:,} postponed{'; ' if answers else ''}{answers}"
            )
        self._since, self._told_at = None, time.monotonic()


def _sentence(told: dict[str, Any]) -> str:
    return (
        f"{told['sent']:,} sent, {told['blocked']:,} blocked, {told['postponed']:,} postponed, "
        f"{told['refused']:,} refused, {told['not_processed']:,} to be tried again, {told['unknown']:,} unknown; "
        f"{told['reconciled']['found']:,} lost answers found, in {told['seconds']} s."
    )


def _listed(channels: Any) -> str:
    return ", ".join(channels) or "no channel: nothing is configured"
