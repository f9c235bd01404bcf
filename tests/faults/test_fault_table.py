"""Every provider under every fault of the dial at 30 %: the run ends, records arrive once, the missing are named.

A quarter of the cells runs always, all of them where slow tests do; `leadflow bench faults` prints the table.
"""

import pytest

from bench.fault_subjects import DAY, PAGE, RECORDS, small_pages, subjects
from bench.fault_table import FAULTS, FaultTable
from bench.faults import QUICK_STRIDE
from leadflow_pipelines.providers.sandbox.faults import KINDS
from leadflow_pipelines.providers.sandbox.process import SandboxProcess
from leadflow_pipelines.providers.sandbox.vendors import VENDOR_NAMES

SUBJECTS = {subject.vendor: subject for subject in subjects()}
WITHOUT_RECORDS = {"county_site", "twilio", "dncscrub", "realphonevalidation", "llm"}
"""Pages to crawl, texts, answers about numbers, words: their tests are elsewhere."""
CELLS = [
    pytest.param(vendor, fault, marks=() if (place + number) % QUICK_STRIDE == 0 else pytest.mark.slow)
    for place, vendor in enumerate(SUBJECTS)
    for number, fault in enumerate(FAULTS)
]


@pytest.fixture(scope="module")
def table(database, home, tmp_path_factory):
    folder = tmp_path_factory.mktemp("faults")
    with (
        small_pages(folder) as settings,
        SandboxProcess(records_per_zip=RECORDS, page_cap=PAGE, today=DAY.isoformat()) as vendors,
    ):
        yield FaultTable(database, vendors, folder, home=home, **settings)


def test_the_table_holds_every_fault_and_every_provider():
    assert {fault.kind for fault in FAULTS.values()} == set(KINDS)
    assert SUBJECTS.keys() == set(VENDOR_NAMES) - WITHOUT_RECORDS


@pytest.mark.parametrize(("vendor", "fault"), CELLS)
def test_records_arrive_once_and_the_missing_are_named(table, vendor, fault):
    cell = table.cell(SUBJECTS[vendor], fault)
    if cell is None:
        pytest.skip(f"{vendor} has nothing that this fault could spoil")
    assert cell.broken == ()
