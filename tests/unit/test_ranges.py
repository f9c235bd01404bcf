"""A request for some ZIPs becomes ranges that hold them all and nothing else."""

from hypothesis import given
from hypothesis import strategies as st

from leadflow_pipelines.automation.run_day import contiguous_ranges

calendars = st.lists(st.sampled_from([f"{n:05}" for n in range(30)]), unique=True, max_size=30)


@given(st.data())
def test_ranges_hold_exactly_the_wanted_keys(data: st.DataObject) -> None:
    calendar = data.draw(calendars)
    wanted = data.draw(st.lists(st.sampled_from(calendar), unique=True) if calendar else st.just([]))
    covered: list[str] = []
    for first, last in contiguous_ranges(calendar, wanted):
        covered += calendar[calendar.index(first) : calendar.index(last) + 1]
    assert sorted(covered) == sorted(wanted)


def test_neighbours_make_one_range() -> None:
    assert contiguous_ranges(["b", "a", "c", "d"], ["a", "c", "b"]) == [("b", "c")]
    assert contiguous_ranges(["a", "b", "c"], ["a", "c"]) == [("a", "a"), ("c", "c")]
