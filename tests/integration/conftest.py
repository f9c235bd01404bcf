"""Simulated vendors: those that tests buy from are written in `shop`, the one that texts is started here."""

from collections.abc import Iterator

import pytest

from leadflow_pipelines.providers.sandbox.process import SandboxProcess
from tests.shop import sandbox, shop, vendors

__all__ = ["sandbox", "shop", "vendors"]


@pytest.fixture(scope="session")
def texter() -> Iterator[SandboxProcess]:
    """The simulated Twilio of all files."""
    with SandboxProcess(vendors=["twilio"]) as started:
        yield started


@pytest.fixture
def twilio(texter: SandboxProcess) -> SandboxProcess:
    """The simulated Twilio with empty books, without faults. Its log and webhooks are the asking test's to set."""
    texter.disarm_faults()
    texter.clear_ledger()
    return texter
