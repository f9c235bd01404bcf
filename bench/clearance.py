"""Clearance: decisions and their replay (`clearance_decisions`), do-not-call membership at the size of the national
registry (`number_lists`).

Here: what is measured. Not here: how.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.clearance_decisions import decision_figures
from bench.figures import Figure
from bench.number_lists import do_not_call_figures


def measure(*, quick: bool = False) -> Iterator[Figure]:
    """Each figure as it is measured. `quick` takes a tenth of the sizes, to try the benchmark itself."""
    yield from decision_figures(quick=quick)
    with tempfile.TemporaryDirectory() as name:
        yield from do_not_call_figures(Path(name), quick=quick)
