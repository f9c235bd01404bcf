"""A reply as it is meant by this person now: YES is START for whoever said STOP, and interest for everybody else.

Not here: the words themselves (`compliance.read_reply`).
"""

from collections.abc import Set
from dataclasses import replace

from leadflow_pipelines.clearance.suppressions import LIFTED_BY_START
from leadflow_pipelines.compliance.read_reply import Reading, plain_text, read_reply
from leadflow_pipelines.outreach.messengers.messenger import Reply

STANDARD_WORDS = frozenset({"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"})
"""Words that Twilio takes for STOP by itself, and that START takes back there. Source: twilio.com/docs/messaging/
tutorials/advanced-opt-out; the same are per se revocations under 47 CFR 64.1200(a)(10)."""
AMBIGUOUS_STARTS = frozenset({"yes"})
"""START for Twilio where somebody had opted out, and a plain answer to a question anywhere else."""
TAKES_START = frozenset({"sms"})
"""Channels whose sender is who they say. Anybody can write an e-mail in somebody else's name: it lifts nothing."""


def read_in_context(reply: Reply, standing: Set[str], *, channel: str) -> Reading:
    """What a reply by a channel means. `standing`: origins of the suppressions that stand for who wrote.

    A text that withdraws consent does so, whatever the messenger recognised in it.
    """
    reading = read_reply(reply.body, opt_out_type=reply.opt_out_type)
    by_text = read_reply(reply.body) if reply.opt_out_type in ("START", "HELP") else reading
    if by_text.suppresses and not reading.suppresses:
        return replace(by_text, needs_person=True)
    if plain_text(reply.body) in AMBIGUOUS_STARTS and reading.reply_class in ("start", "interested"):
        reading = Reading("start" if LIFTED_BY_START in standing else "interested", matched=reading.matched)
    if reading.reply_class == "start":
        return replace(reading, needs_person=bool(standing - {LIFTED_BY_START}) or channel not in TAKES_START)
    if reading.reply_class in ("interested", "other"):
        return replace(reading, needs_person=True)
    return reading


def origin_of(reply: Reply, reading: Reading) -> str:
    """Under which origin a suppressing reply is kept: `stop` is what START lifts, the others stay."""
    if reading.reply_class == "wrong_number":
        return "wrong_number"
    is_standard = reply.opt_out_type == "STOP" or plain_text(reply.body).replace(" ", "") in STANDARD_WORDS
    return LIFTED_BY_START if is_standard else "revocation"
