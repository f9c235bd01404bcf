"""Texts through Twilio, with its own library: sending once, finding what got lost, following, stopping.

Not here: what error codes mean (`error_codes`), webhooks (`twilio_webhooks`), and who may use it (`open_messenger`).
"""

import datetime as dt
import json
import logging
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import requests
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client
from twilio.rest.api.v2010.account.message import MessageInstance
from urllib3.exceptions import NewConnectionError

from leadflow_pipelines.outreach.messengers.deadline import DeadlineAdapter, deadline
from leadflow_pipelines.outreach.messengers.error_codes import fate_of, twilio_code
from leadflow_pipelines.outreach.messengers.messenger import (
    MOST_VALID_SECONDS,
    NotProcessed,
    OutcomeUnknown,
    Outgoing,
    Refused,
    Reply,
    Sent,
    Status,
)

# Their lines hold queries, and so numbers: DEBUG of the one, of the other a warning about headers.
logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)
logging.getLogger("urllib3.connection").setLevel(logging.ERROR)

CLOCK_SKEW = dt.timedelta(minutes=5)
"""Twilio's clock may lag ours: what it took shortly before our request is looked at too."""
PAGE = 1000
"""Messages on a page of a list: the most that Twilio gives."""
CONNECTIONS = 32
CODES_WITHOUT_BODY = {401: "20003", 403: "20003", 404: "20404"}


class TwilioMessenger:
    """Twilio as a Messenger. Calls may come from several threads.

    `status_url`: where Twilio reports on a message, or None where it cannot reach us. `timeout_seconds`: for a whole
    request, from the connection to the last byte of the answer.
    """

    def __init__(
        self,
        account_sid: str,
        auth_token: str,
        *,
        base_url: str = "https://api.twilio.com",
        timeout_seconds: float = 10.0,
        status_url: Callable[[UUID], str] | None = None,
    ) -> None:
        transport = _Transport(base_url, timeout_seconds)
        # An environment of our own: TWILIO_EDGE and TWILIO_REGION of the process would change the host.
        self._client = Client(account_sid, auth_token, http_client=transport, environment={"TWILIO_EDGE": ""})
        self._status_url = status_url

    def send(self, message: Outgoing) -> Sent:
        """Hands the message over, with one request and no second one.

        Nothing was sent where there was no connection (NotProcessed), with 429 (NotProcessed; Twilio: "was not
        processed", twilio.com/docs/api/errors/20429) and with 4xx (Refused). Whatever else goes wrong comes after the
        request went out: OutcomeUnknown.
        """
        is_service = message.sender.startswith("MG")
        wanted: dict[str, Any] = {
            "to": message.to,
            "messaging_service_sid" if is_service else "from_": message.sender,
            "body": message.body,
            "validity_period": max(1, min(message.valid_seconds, MOST_VALID_SECONDS)),
        }
        if self._status_url is not None:
            wanted["status_callback"] = self._status_url(message.message_id)
        try:
            taken = self._client.messages.create(**wanted)
            if not isinstance(taken.sid, str) or not taken.sid:
                raise OutcomeUnknown("Twilio's answer names no message.", why="unreadable_answer")
            return _sent(taken)
        except (NotProcessed, OutcomeUnknown):
            raise
        except (TwilioRestException, TwilioServiceException) as error:
            if error.status < 400:
                raise OutcomeUnknown(f"Twilio answered {error.status}.", why="unexpected_status") from None
            raise _refusal(error.code, error.status) from None
        except requests.RequestException as error:
            raise _lost(error) from None
        except _Trouble as trouble:
            raise OutcomeUnknown(f"Twilio answered {trouble.status}.", why="server_error") from None
        except Exception as error:  # the answer came and could not be read, whatever the reason
            raise OutcomeUnknown(
                f"Twilio's answer cannot be read ({type(error).__name__}).", why="unreadable_answer"
            ) from None

    def find(self, message: Outgoing, *, since: dt.datetime) -> Sent | None:
        """The first message taken since then with this recipient, sender and body.

        All messages to the recipient are asked for, not those of a DateSent: one that still waits in Twilio's queue
        has none.
        """
        with _asking():
            listed = self._client.messages.list(to=message.to, page_size=PAGE)
        alike = [one for one in reversed(listed) if _is_alike(one, message) and one.date_created >= since - CLOCK_SKEW]
        return _sent(min(alike, key=lambda one: one.date_created)) if alike else None

    def sent_to(self, to: str, *, since: dt.datetime) -> list[Sent]:
        """Every message to the recipient that was taken since then, from whichever sender of the account."""
        with _asking():
            listed = self._client.messages.list(to=to, page_size=PAGE)
        since -= CLOCK_SKEW
        return [_sent(one) for one in listed if str(one.direction).startswith("outbound") and one.date_created >= since]

    def fetch(self, provider_id: str) -> Status:
        """How the message fares."""
        with _asking():
            one = self._client.messages(provider_id).fetch()
        code = None if one.error_code is None else str(one.error_code)
        return Status(
            provider_id=provider_id,
            status=str(one.status),
            fate=fate_of(str(one.status)),
            error_code=code,
            behaviour=twilio_code(code).behaviour if code else None,
            segments=_segments(one),
        )

    def cancel(self, provider_id: str) -> bool:
        """Stops a message that is scheduled or waits in Twilio's queue; False where it has gone.

        A lost answer leads to a second request, which Twilio refuses: the message itself then says that it is stopped.
        """
        try:
            with _asking():
                stopped = self._client.messages(provider_id).update(status=MessageInstance.UpdateStatus.CANCELED)
        except Refused:
            return self.fetch(provider_id).fate == "cancelled"
        return str(stopped.status) == "canceled"

    def replies(self, *, to: str, since: dt.datetime) -> list[Reply]:
        """What was written to this number, or to the numbers of this Messaging Service, since then, oldest first.

        Twilio's list knows no OptOutType: the words must tell.
        """
        filters: dict[str, Any] = {} if to.startswith("MG") else {"to": to}
        since = since.replace(microsecond=0)  # Twilio tells whole seconds
        day = since.astimezone(dt.UTC).date().isoformat()  # whole days of GMT are documented, instants are not
        with _asking():
            listed = self._client.messages.list(date_sent_after=day, page_size=PAGE, **filters)
        found = [
            Reply(str(one.sid), str(one.from_), str(one.to), one.body or "", one.date_sent or one.date_created)
            for one in reversed(listed)
            if one.direction == "inbound" and (not to.startswith("MG") or one.messaging_service_sid == to)
        ]
        return sorted((one for one in found if one.received_at >= since), key=lambda one: one.received_at)


class _Trouble(Exception):
    """An answer that says nothing about what became of the request."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class _Transport(TwilioHttpClient):  # type: ignore[misc] # the library has no types
    """The library's transport, to another host if wanted, silent and without second attempts."""

    def __init__(self, base_url: str, timeout_seconds: float) -> None:
        super().__init__(timeout=timeout_seconds)
        self._base_url, self._seconds = base_url.rstrip("/"), timeout_seconds
        adapter = DeadlineAdapter(pool_connections=2, pool_maxsize=CONNECTIONS, max_retries=0)
        assert self.session is not None
        self.session.mount("https://", adapter)
        self.session.mount("http://", adapter)
        self.session.trust_env = self._base_url.startswith("https://")  # no proxy between us and this machine

    def request(self, method: str, url: str, *given: Any, **named: Any) -> Response:
        """Raises NotProcessed on 429, with its Retry-After, _Trouble on 408 and 5xx, requests.Timeout when too late."""
        asked = urlsplit(url)
        query = f"?{asked.query}" if asked.query else ""
        with deadline(self._seconds) as ends:
            try:
                answer = super().request(method, f"{self._base_url}{asked.path}{query}", *given, **named)
            except requests.ConnectTimeout:
                raise
            except requests.RequestException:
                if ends.is_over:
                    raise requests.ReadTimeout from None
                raise
        if ends.is_over:  # an answer without a length ends where it was cut
            raise requests.ReadTimeout
        if answer.status_code == 429:
            raise NotProcessed("Twilio wants fewer requests.", retry_after=_seconds(answer.headers.get("Retry-After")))
        if answer.status_code == 408 or answer.status_code >= 500:
            raise _Trouble(answer.status_code)
        return answer

    def log_request(self, kwargs: dict[str, Any]) -> None:
        """Nothing: the library would log telephone numbers."""

    def log_response(self, status_code: int, response: Any) -> None:
        """Nothing, as above."""


@contextmanager
def _asking() -> Iterator[None]:
    """Around calls that change nothing, or nothing when repeated: Twilio's absence is NotProcessed."""
    try:
        yield
    except (TwilioRestException, TwilioServiceException) as error:
        raise _refusal(error.code, error.status) from None
    except TwilioException as error:
        raise _refused_list(error) from None
    except requests.RequestException as error:
        raise NotProcessed(f"Twilio could not be asked ({type(error).__name__}).") from None
    except _Trouble as trouble:
        raise NotProcessed(f"Twilio answered {trouble.status}.") from None
    except (ValueError, AttributeError, TypeError, KeyError) as error:
        raise NotProcessed(f"Twilio's answer cannot be read ({type(error).__name__}).") from None


def _refusal(told: int | str | None, status: int) -> Refused:
    """What a 4xx means. Twilio's own words stay out: they repeat the number."""
    code = str(told or status)
    if code == str(status):
        code = CODES_WITHOUT_BODY.get(status, code)
    known = twilio_code(code)
    return Refused(f"Twilio refused with {code}: {known.text}", code=code, behaviour=known.behaviour)


def _refused_list(error: TwilioException) -> Refused | NotProcessed:
    """The library hands the answer on where a list is refused."""
    answer = next((one for one in error.args if isinstance(one, Response)), None)
    if answer is None:
        return NotProcessed("Twilio's answer cannot be read (TwilioException).")
    try:
        told = json.loads(answer.text)["code"]
    except (ValueError, KeyError, TypeError):
        told = None
    return _refusal(told, answer.status_code)


def _lost(error: requests.RequestException) -> NotProcessed | OutcomeUnknown:
    """No connection, nothing sent. Anything later, a broken one or silence, and nobody can tell."""
    if isinstance(error, requests.ConnectTimeout | requests.exceptions.ProxyError) or any(
        isinstance(one, NewConnectionError | ssl.SSLCertVerificationError) for one in _causes(error)
    ):
        return NotProcessed(f"Twilio could not be reached ({type(error).__name__}).")
    why = "no_answer" if isinstance(error, requests.Timeout) else "connection_lost"
    return OutcomeUnknown(f"Twilio took the request and gave no answer ({type(error).__name__}).", why=why)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error, and those wrapped in it: requests and urllib3 keep them as arguments or as `reason`."""
    waiting, seen = [error], set[int]()
    while waiting:
        one = waiting.pop()
        if id(one) not in seen:
            seen.add(id(one))
            yield one
            wrapped = [*one.args, getattr(one, "reason", None), one.__cause__, one.__context__]
            waiting += [inner for inner in wrapped if isinstance(inner, BaseException)]


def _is_alike(one: MessageInstance, message: Outgoing) -> bool:
    """Whether a listed message is ours. A trial account puts a sentence of its own before the body."""
    sender = one.messaging_service_sid if message.sender.startswith("MG") else one.from_
    body = (one.body or "").strip()
    is_outbound = str(one.direction).startswith("outbound")
    return is_outbound and sender == message.sender and bool(body) and body.endswith(message.body.strip())


def _sent(one: MessageInstance) -> Sent:
    return Sent(provider_id=str(one.sid), status=str(one.status), segments=_segments(one))


def _segments(one: MessageInstance) -> int | None:
    """Twilio counts 0 until a Messaging Service has chosen a sender."""
    counted = str(one.num_segments or "")
    return int(counted) or None if counted.isdigit() else None


def _seconds(header: str | None) -> float | None:
    try:
        return max(0.0, float(header)) if header is not None else None
    except ValueError:
        return None
