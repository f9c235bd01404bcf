"""Twilio's webhooks: what became of a text, and what people answer. Nothing is believed that Twilio did not sign.

The signature covers the public address as it is in the settings: what a proxy or a caller says of host and scheme is
not looked at. Not here: how signatures are made (`outreach.messengers.twilio_webhooks`).
"""

import time
from uuid import UUID

from fastapi import APIRouter, HTTPException, Request, Response

from leadflow_pipelines.gateway.bodies import Fields, Form
from leadflow_pipelines.gateway.door import AtDoor, Door
from leadflow_pipelines.outreach.dispatch.fates import record_status
from leadflow_pipelines.outreach.messengers.twilio_webhooks import (
    SIGNATURE_HEADER,
    inbound_path,
    is_signed,
    reply_of,
    status_of,
    status_path,
    webhook_url,
)
from leadflow_pipelines.outreach.replies.quiet import PATIENCE_SECONDS, in_transaction
from leadflow_pipelines.outreach.replies.receive_reply import receive_reply

router = APIRouter(prefix="/webhooks/twilio")
CHANNEL = "sms"
NOTHING_TO_SAY = '<?xml version="1.0" encoding="UTF-8"?><Response/>'
"""TwiML without an instruction: we send no text of our own, the messenger confirms STOP and answers HELP."""


@router.post("/{org}/status/{message_id}")
def status(org: str, message_id: UUID, request: Request, form: Form, door: AtDoor) -> Response:
    """What became of a text. Taken once, in any order."""
    served = door.require_org(org)
    _require_signature(request, form, door, status_path(served.slug, message_id))
    try:
        told = status_of(form)
    except KeyError as error:
        raise HTTPException(400) from error
    in_transaction(
        door.database,
        served,
        lambda connection: record_status(connection, served, message_id, told, now=door.clock(), keys=door.keys),
        until=time.monotonic() + PATIENCE_SECONDS,
    )
    return Response(status_code=204)


@router.post("/{org}/inbound")
def inbound(org: str, request: Request, form: Form, door: AtDoor) -> Response:
    """What somebody wrote. 200 only when it is obeyed: no text to a person who said STOP begins after that.

    503 where a text to this person was still being handed over when patience ended; the STOP itself is kept.
    """
    served = door.require_org(org)
    _require_signature(request, form, door, inbound_path(served.slug))
    now = door.clock()
    try:
        reply = reply_of(form, now)
    except KeyError as error:
        raise HTTPException(400) from error
    received = receive_reply(
        door.database, served, reply, channel=CHANNEL, now=now, keys=door.keys, settings=door.settings
    )
    if not received.is_quiet:
        raise HTTPException(503, headers={"Retry-After": "30"})
    return Response(NOTHING_TO_SAY, media_type="text/xml")


def _require_signature(request: Request, form: Fields, door: Door, path: str) -> None:
    """Raises 403 unless Twilio signed this form for this path of our public address, for our account."""
    public_url, token = door.settings.public_url, door.settings.twilio_auth_token
    if public_url is None or token is None:
        raise HTTPException(403)
    address = webhook_url(public_url, path)
    if query := request.scope["query_string"].decode("latin-1"):
        address = f"{address}?{query}"
    signature = request.headers.get(SIGNATURE_HEADER, "")
    if not is_signed(address, form, signature, token.get_secret_value()):
        raise HTTPException(403)
    if form.get("AccountSid", door.settings.twilio_account_sid) != door.settings.twilio_account_sid:
        raise HTTPException(403)
