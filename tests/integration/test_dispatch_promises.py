"""What other senders broke and dispatching must keep: caps over all senders, a batch despite one bad number."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from leadflow_pipelines.clearance.profile import Sender, save_sender
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.outreach.messengers.messenger import Messenger, Outgoing, Refused, Sent
from leadflow_pipelines.outreach.messengers.open_messenger import open_messenger
from leadflow_pipelines.providers.sandbox.process import SandboxProcess
from leadflow_pipelines.settings import Settings
from tests.outreach_people import BRAND, FRIDAY_NOON, NUMBER, Texting, people, texting

OTHER_NUMBER = "+16155550107"


class RefusingOne:
    """A messenger that takes every number but one, as carriers do with one that cannot be."""

    def __init__(self, inner: Messenger, bad: str) -> None:
        self._inner, self._bad = inner, bad

    def send(self, message: Outgoing) -> Sent:
        if message.to == self._bad:
            raise Refused("The number is not valid.", code="21211", behaviour="failed")
        return self._inner.send(message)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


@pytest.fixture
def shop(database: Database, settings: Settings, twilio: SandboxProcess) -> Iterator[Texting]:
    yield from texting(database, settings, twilio)


def test_the_cap_of_a_person_counts_over_all_senders(shop: Texting) -> None:
    """Florida's text: regardless of the phone number used."""
    shop.campaign(people(3, "TX"))
    assert shop.round().answers["Sent"] == 3
    with shop.database.as_org(shop.org.org_id) as connection:
        for sender in (
            Sender(NUMBER, BRAND, "campaign-1", is_active=False),
            Sender(OTHER_NUMBER, BRAND, "campaign-1", per_second=100),
        ):
            save_sender(connection, shop.org.org_id, sender, actor="ada", now=FRIDAY_NOON)
    shop.campaign(people(4, "TX"))
    tally = shop.round()
    assert (tally.answers["Sent"], tally.postponed) == (1, 3), "whoever got none yet is texted from the other number"
    assert Counter(shop.texted()) == Counter(people(4, "TX")["phone_e164"].to_list())


def test_one_bad_number_stops_neither_its_batch_nor_its_campaign(shop: Texting) -> None:
    bad, *good = people(6, "TX")["phone_e164"].to_list()
    shop.campaign(people(6, "TX"))
    tally = shop.round(messengers={"sms": RefusingOne(open_messenger("sms", shop.org, shop.settings), bad)})
    assert tally.answers["Sent"] == 5
    assert sorted(shop.texted()) == sorted(good)
    assert Counter(row["state"] for row in shop.messages()) == {"accepted": 5, "failed": 1}
    shop.campaign(people(1, "TX", first=50))
    assert shop.round().answers["Sent"] == 1
