"""Slots of a vendor's key: one interval apart, a burst after a rest, one row for every process."""

import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.providers.guard.rate_limit import Rate, load_rates, rate_key, rate_of, take_slot


def waits(database, rate, number, key=None):
    """Seconds that each of `number` calls at once must wait."""
    key = key or uuid.uuid4().hex

    def take(_):
        with database.anonymous() as connection:
            return take_slot(connection, "vendor", key, rate)

    with ThreadPoolExecutor(8) as processes:
        return sorted(processes.map(take, range(number)))


def test_after_a_burst_calls_lie_one_interval_apart(database):
    told = waits(database, Rate(per_second=0.5, burst=3), 8)
    assert told[:3] == [0, 0, 0]
    assert told[3:] == pytest.approx([2, 4, 6, 8, 10], abs=1)


def test_a_rest_fills_the_bucket_and_no_more(database):
    rate, key = Rate(per_second=4, burst=2), uuid.uuid4().hex
    assert waits(database, rate, 2, key) == [0, 0]
    time.sleep(1.0)
    again = waits(database, rate, 4, key)
    assert again[:2] == [0, 0]
    assert again[2:] == pytest.approx([0.25, 0.5], abs=0.2)


def test_keys_do_not_share_slots(database):
    rate = Rate(per_second=0.1, burst=1)
    assert [waits(database, rate, 1, key)[0] for key in (uuid.uuid4().hex, uuid.uuid4().hex)] == [0, 0]
    assert len({rate_key(*one) for one in (("a", "h", "secret"), ("b", "h", "secret"), ("a", "i", "secret"))}) == 3
    assert "secret" not in rate_key("attom", "host", "secret")


def test_the_rates_are_read_and_faults_named(tmp_path):
    assert rate_of(load_rates(), "rentcast") == Rate(20, 20)
    assert rate_of(load_rates(), "county_anywhere") == load_rates()["county_*"]
    assert rate_of(load_rates(), "nobody") is None
    file = tmp_path / "rates.yaml"
    file.write_text("- {provider: a, per_second: 0, burst: 1}\n- {provider: b, burst: 1}\n")
    with pytest.raises(InvalidInput, match=r"rate 1: per_second must be above 0[\s\S]*rate 2: 'per_second'"):
        load_rates(file)
