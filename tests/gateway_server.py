"""A gateway on a loopback port for tests, as it is served, on a thread; and a signed post as Twilio makes it."""

import base64
import hashlib
import hmac
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import httpx
import uvicorn

from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.gateway.app import create_app
from leadflow_pipelines.gateway.door import Clock
from leadflow_pipelines.providers.sandbox.twilio_account import ACCOUNT_SID, AUTH_TOKEN
from leadflow_pipelines.settings import Settings, load_settings

PUBLIC = "https://leads.acme.example"
START_SECONDS = 30.0


def gateway_settings(home: Path, org: Org) -> Settings:
    """Settings of a gateway that verifies what the simulated Twilio signs; no Twilio listens behind them."""
    return load_settings(
        home=home, org=org.slug, contact_hash_keys=f"1:{(b'0' * 32).hex()}", public_url=PUBLIC,
        twilio_account_sid=ACCOUNT_SID, twilio_auth_token=AUTH_TOKEN, twilio_base_url="http://127.0.0.1:9/twilio",
    )  # fmt: skip


@contextmanager
def gateway(settings: Settings, database: Database, clock: Clock) -> Iterator[httpx.Client]:
    """The gateway, and a client of it that follows no redirect."""
    app = create_app(settings, clock, database=database)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, access_log=False, lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + START_SECONDS
    while not server.started:
        assert time.monotonic() < deadline, "the gateway did not start"
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()


def signature(url: str, form: Mapping[str, str], token: str = AUTH_TOKEN) -> str:
    told = url + "".join(f"{name}{form[name]}" for name in sorted(form))
    return base64.b64encode(hmac.new(token.encode(), told.encode(), hashlib.sha1).digest()).decode()


def post_signed(
    client: httpx.Client, path: str, form: Mapping[str, str], *, public: str = PUBLIC, signed: str | None = None
) -> httpx.Response:
    """A webhook for `path`, signed for the public address unless another signature is given."""
    form = {"AccountSid": ACCOUNT_SID, **form}
    headers = {
        "X-Twilio-Signature": signature(public + path, form) if signed is None else signed,
        "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
    }
    return client.post(path, content=urlencode(form), headers=headers)
