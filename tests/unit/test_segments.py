"""How many SMS a text is, at every edge of the two alphabets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow_pipelines.outreach.segments import GSM_7, GSM_7_EXTENSION, segments

GSM_TEXT = st.text(st.sampled_from(sorted(GSM_7 | GSM_7_EXTENSION)), max_size=500)


@pytest.mark.parametrize(
    ("text", "encoding", "count", "units"),
    [
        ("", "GSM-7", 1, 0),
        ("a" * 160, "GSM-7", 1, 160),
        ("a" * 161, "GSM-7", 2, 161),
        ("a" * 306, "GSM-7", 2, 306),
        ("a" * 307, "GSM-7", 3, 307),
        ("€" * 80, "GSM-7", 1, 160),
        ("a" + "€" * 80, "GSM-7", 2, 161),
        ("€" * 153, "GSM-7", 3, 306),  # 76 whole ones to a part: an escape is never parted from its character
        ("[{~}]\\^|\f", "GSM-7", 1, 18),
        ("à la carte: ÆØÅ ñ Ω", "GSM-7", 1, 19),
        ("ç", "UCS-2", 1, 1),  # GSM-7 has the capital alone
        ("it’s", "UCS-2", 1, 4),
        ("’" * 70, "UCS-2", 1, 70),
        ("’" * 71, "UCS-2", 2, 71),
        ("’" * 134, "UCS-2", 2, 134),
        ("’" * 135, "UCS-2", 3, 135),
        ("🏠" * 35, "UCS-2", 1, 70),
        ("🏠" * 67, "UCS-2", 3, 134),  # 33 whole ones to a part
        ("a" * 159 + "🏠", "UCS-2", 3, 161),
    ],
)
def test_known_texts(text, encoding, count, units):
    found = segments(text)
    assert (found.encoding, found.count, found.units) == (encoding, count, units)


@given(GSM_TEXT)
def test_gsm_parts_hold_153_septets_and_waste_at_most_one(text):
    found = segments(text)
    assert found.encoding == "GSM-7"
    assert found.units == len(text) + sum(text.count(one) for one in GSM_7_EXTENSION)
    if found.units <= 160:
        assert found.count == 1
    else:
        assert -(-found.units // 153) <= found.count <= -(-found.units // 152)


@given(st.text(max_size=300))
def test_one_strange_character_makes_all_of_it_utf_16(text):
    found = segments(text + "”")
    assert found.encoding == "UCS-2"
    assert found.units == len((text + "”").encode("utf-16-le")) // 2
    if found.units <= 70:
        assert found.count == 1
    else:
        assert -(-found.units // 67) <= found.count <= -(-found.units // 66)


@given(st.text(max_size=300))
def test_what_is_left_fits_and_one_more_does_not(text):
    found = segments(text)
    assert segments(text + "a" * found.units_left).count == found.count
    more = segments(text + "a" * (found.units_left + 1)).count
    assert more == found.count + 1


@given(st.text(max_size=200), st.characters(exclude_categories=["Cs"]))
def test_a_longer_text_is_never_fewer_segments(text, more):
    assert segments(text + more).count >= segments(text).count
