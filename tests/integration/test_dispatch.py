"""Dispatch against the simulated Twilio over HTTP: who gets a text, who does not, and what becomes of each."""

from collections import Counter
from collections.abc import Iterator

import pytest

from leadflow_pipelines.clearance.proof import verify_chain
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.providers.sandbox.process import SandboxProcess
from leadflow_pipelines.settings import Settings
from tests.outreach_people import Texting, people, texting


@pytest.fixture(scope="module")
def twilio() -> Iterator[SandboxProcess]:
    with SandboxProcess(vendors=["twilio"]) as sandbox:
        yield sandbox


@pytest.fixture
def shop(database: Database, settings: Settings, twilio: SandboxProcess) -> Iterator[Texting]:
    twilio.disarm_faults()
    yield from texting(database, settings, twilio)


def test_whoever_agreed_gets_one_text_that_ends_inside_the_window(shop: Texting) -> None:
    frame = people(20)
    shop.campaign(frame)
    shop.campaign(people(1, first=50), agreed=False)
    tally = shop.round()
    assert Counter(shop.texted()) == Counter(frame["phone_e164"].to_list())
    assert (tally.answers["Sent"], tally.blocked) == (20, 1)
    assert shop.round().claimed == 0
    assert shop.fates() == {("accepted", None): 20, ("blocked", "no_consent"): 1}
    with shop.database.as_org(shop.org.org_id) as connection:
        assert verify_chain(connection, shop.org.org_id).fault is None
