"""One process's turn at sending, for the benchmark of dispatch: our dispatcher, or a plain loop of Twilio's library.

    python -m bench.dispatching dispatcher|sdk HOME URL ORG COUNT

Prints `ready`, waits until the parent closes our input, then prints as JSON when it began and ended, how many messages
it sent and its own processor seconds. `dispatcher` ends when nothing is due any more; `sdk` sends COUNT texts.
"""

import datetime as dt
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

from leadflow_pipelines.database.orgs import find_org
from leadflow_pipelines.database.prepare import open_database
from leadflow_pipelines.outreach.dispatch.dispatcher import CONCURRENCY, Dispatcher, Tally, sent
from leadflow_pipelines.outreach.messengers.open_messenger import open_messenger
from leadflow_pipelines.providers.sandbox.process import sandbox_settings
from leadflow_pipelines.settings import Settings, load_settings

NOON = dt.datetime(2026, 11, 20, 21, tzinfo=dt.UTC)
"""A Friday on which every state is open: 11:00 in Hawaii, 16:00 in New York."""
IDLE_ROUNDS = 3


def settings_of(home: Path, url: str, org: str) -> Settings:
    """The settings of the benchmark's org."""
    return load_settings(home=home, org=org, lake_url=str(home / "lake"), **sandbox_settings(url, ("twilio",)))


def by_dispatcher(settings: Settings) -> int:
    """Rounds until nothing is due."""
    database = open_database(settings).for_dispatch()
    org = find_org(database, settings.org)
    stop, began, idle = Event(), time.monotonic(), 0

    def clock() -> dt.datetime:
        return NOON + dt.timedelta(seconds=time.monotonic() - began)

    def count_idle(tally: Tally) -> None:
        nonlocal idle
        idle = 0 if tally.claimed else idle + 1
        if idle >= IDLE_ROUNDS:
            stop.set()

    with Dispatcher(database, org, {"sms": open_messenger("sms", org, settings)}, settings, clock) as dispatcher:
        total = dispatcher.run(stop, poll_seconds=0.02, on_round=count_idle)
    database.dispose()
    return sent(total)


def by_sdk(settings: Settings, count: int) -> int:
    """The same texts from as many threads, with nothing around them."""
    from twilio.http.http_client import TwilioHttpClient  # noqa: PLC0415 an optional cost of the peer alone
    from twilio.rest import Client  # noqa: PLC0415

    base_url = str(settings.twilio_base_url)

    class Elsewhere(TwilioHttpClient):  # type: ignore[misc] # the library has no types
        def request(self, method: str, url: str, *given: object, **named: object) -> object:
            return super().request(method, url.replace("https://api.twilio.com", base_url), *given, **named)

    assert settings.twilio_auth_token is not None
    client = Client(
        settings.twilio_account_sid, settings.twilio_auth_token.get_secret_value(), http_client=Elsewhere(timeout=10)
    )

    def send(number: int) -> None:
        to = f"+1512555{number % 10_000:04d}"
        client.messages.create(to=to, from_="+16155550106", body=f"Example Homes here about {number} Example St.")

    with ThreadPoolExecutor(CONCURRENCY) as pool:
        list(pool.map(send, range(count)))
    return count


def main(way: str, home: str, url: str, org: str, count: str) -> None:
    """One turn, once the parent closes our input."""
    settings = settings_of(Path(home), url, org)
    print("ready", flush=True)
    sys.stdin.read()
    began, worked = time.time(), time.process_time()
    done = by_dispatcher(settings) if way == "dispatcher" else by_sdk(settings, int(count))
    print(json.dumps({"began": began, "ended": time.time(), "sent": done, "cpu": time.process_time() - worked}))


if __name__ == "__main__":
    main(*sys.argv[1:])
