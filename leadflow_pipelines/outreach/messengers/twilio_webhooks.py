"""What Twilio tells us by webhook: where it calls, whether it was Twilio, what it said.

Not here: routes and what becomes of it (the gateway), and the calls that we make (`twilio`).
"""

import datetime as dt
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from twilio.request_validator import RequestValidator

from leadflow_pipelines.outreach.messengers.error_codes import fate_of, twilio_code
from leadflow_pipelines.outreach.messengers.messenger import Reply, Status

SIGNATURE_HEADER = "X-Twilio-Signature"
ONCE_HEADER = "I-Twilio-Idempotency-Token"
"""The same on every attempt at one webhook, so that it is taken once."""


def status_path(org_slug: str, message_id: UUID) -> str:
    """Where Twilio reports on a message; the intent's identity is part of what it signs."""
    return f"/webhooks/twilio/{org_slug}/status/{message_id}"


def inbound_path(org_slug: str) -> str:
    """Where Twilio brings replies; to be entered in the number's or Messaging Service's settings."""
    return f"/webhooks/twilio/{org_slug}/inbound"


def webhook_url(public_url: str, path: str) -> str:
    """The address that Twilio calls and signs. It comes from the settings: a proxy's request may tell another."""
    return public_url.rstrip("/") + path


def is_signed(public_url: str, params: Mapping[str, str] | str, signature: str, auth_token: str) -> bool:
    """Whether Twilio signed this webhook.

    `public_url`: the whole public address with its query, as Twilio knows it. `params`: every field of the form, none
    stripped ({} for GET), where a mapping with `getlist` gives repeated ones; or the body as it came where it is JSON,
    whose digest must then be in the query (`bodySHA256`).
    Source: twilio.com/docs/usage/webhooks/webhooks-security.
    """
    if not signature or not auth_token:
        return False
    is_json = isinstance(params, str)
    if is_json and "bodySHA256" not in parse_qs(urlsplit(public_url).query):
        return False  # the SDK would sign the body's letters as if they were names of fields
    return bool(RequestValidator(auth_token).validate(public_url, params, signature))


def status_of(params: Mapping[str, str]) -> Status:
    """A status callback as we see it. Raises KeyError where it is none."""
    code = params.get("ErrorCode") or None
    status = params["MessageStatus"]
    segments = params.get("NumSegments") or ""
    return Status(
        provider_id=params["MessageSid"],
        status=status,
        fate=fate_of(status),
        error_code=code,
        behaviour=twilio_code(code).behaviour if code else None,
        segments=int(segments) if segments.isdigit() else None,
    )


def reply_of(params: Mapping[str, str], received_at: dt.datetime) -> Reply:
    """An inbound webhook as we see it. Raises KeyError where it is none."""
    return Reply(
        provider_id=params["MessageSid"],
        sender=params["From"],
        received_by=params["To"],
        body=params.get("Body", ""),
        received_at=received_at,
        opt_out_type=params.get("OptOutType") or None,
    )
