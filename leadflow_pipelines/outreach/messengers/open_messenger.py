"""Which messenger an org gets for a channel. A simulated org's texts never reach Twilio, a real org's never the
simulator; a simulated org's e-mails stay on this machine.

Not here: what a messenger does (`twilio`, …).
"""

import ipaddress
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.outreach.messengers.messenger import Messenger
from leadflow_pipelines.outreach.messengers.twilio_webhooks import status_path, webhook_url
from leadflow_pipelines.providers.sandbox.twilio_account import ACCOUNT_SID as SIMULATED_ACCOUNT
from leadflow_pipelines.settings import Settings


def open_messenger(channel: str, org: Org, settings: Settings) -> Messenger:
    """The messenger of this org's channel.

    Raises InvalidInput where none carries the channel, where it is not configured, and where a simulated org would
    meet the real one or a real org the simulated one.
    """
    opener = OPENERS.get(channel)
    if opener is None:
        raise InvalidInput(
            f"Nothing sends messages of the channel `{channel}`.",
            remedy=f"Channels with a sender: {', '.join(OPENERS)}.",
        )
    return opener(org, settings)


def _open_twilio(org: Org, settings: Settings) -> Messenger:
    sid, token = settings.twilio_account_sid, settings.twilio_auth_token
    if sid is None or token is None:
        raise InvalidInput(
            "No texts can be sent: Twilio is not configured.",
            remedy="Set LEADFLOW_TWILIO_ACCOUNT_SID and LEADFLOW_TWILIO_AUTH_TOKEN; for a simulated org `leadflow "
            "sandbox` prints those of the simulator.",
        )
    base_url = str(settings.twilio_base_url)
    is_simulator = is_local(base_url)
    if org.is_simulated and (not is_simulator or sid != SIMULATED_ACCOUNT):
        raise InvalidInput(
            f"The org {org.slug} is simulated and would send through {urlsplit(base_url).hostname} as a real account.",
            remedy="Set LEADFLOW_TWILIO_BASE_URL, _ACCOUNT_SID and _AUTH_TOKEN as `leadflow sandbox` prints them.",
        )
    if not org.is_simulated and (is_simulator or sid == SIMULATED_ACCOUNT or not base_url.startswith("https://")):
        raise InvalidInput(
            f"The org {org.slug} is real and would send through the simulator, or without encryption.",
            remedy="Unset LEADFLOW_TWILIO_BASE_URL and give your own account's SID and token, or work for a simulated "
            "org: `leadflow org create NAME --simulated`.",
        )
    from leadflow_pipelines.outreach.messengers.twilio import TwilioMessenger  # noqa: PLC0415 0.2 s

    public_url = settings.public_url
    return TwilioMessenger(
        sid,
        token.get_secret_value(),
        base_url=base_url,
        timeout_seconds=settings.twilio_timeout_seconds,
        status_url=None
        if public_url is None
        else lambda message_id: webhook_url(public_url, status_path(org.slug, message_id)),
    )


def _open_smtp(org: Org, settings: Settings) -> Messenger:
    host, password = settings.smtp_host, settings.smtp_password
    if host is None:
        raise InvalidInput(
            "No e-mails can be sent: no mail server is configured.",
            remedy="Set LEADFLOW_SMTP_HOST, _PORT, _USER and _PASSWORD as your mail provider names them.",
        )
    if org.is_simulated and not is_loopback(host):
        raise InvalidInput(
            f"The org {org.slug} is simulated and would send through the mail server {host}.",
            remedy="Set LEADFLOW_SMTP_HOST to a mail server of your own on 127.0.0.1, or work for a real org.",
        )
    from leadflow_pipelines.outreach.messengers.smtp import SmtpMessenger  # noqa: PLC0415 0.1 s

    return SmtpMessenger(
        host,
        settings.smtp_port,
        user=settings.smtp_user,
        password=password.get_secret_value() if password else None,
        timeout_seconds=settings.smtp_timeout_seconds,
        requires_tls=not is_loopback(host),
        return_path=settings.smtp_return_path,
        only_example=org.is_simulated,
    )


def is_local(url: str) -> bool:
    """Whether an address is on this machine."""
    return is_loopback(urlsplit(url).hostname or "")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


OPENERS: Mapping[str, Callable[[Org, Settings], Messenger]] = {"sms": _open_twilio, "email": _open_smtp}
"""By channel. Letters and calls by hand have no messenger."""
