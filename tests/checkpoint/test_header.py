"""A header is believed only where every number in it fits the file."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corenet.checkpoint.header import DTYPES, entries


def tensor(dtype="F32", shape=(2,), offsets=(0, 8), **more):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets), **more}


@pytest.mark.parametrize(
    ("header", "size", "match"),
    [
        ({"a": tensor(), "b": tensor(offsets=(12, 20))}, 20, "'b' begins at byte 12, and the one before it ends at 8"),
        ({"a": tensor(), "b": tensor(offsets=(4, 12))}, 12, "'b' begins at byte 4, and the one before it ends at 8"),
        ({"a": tensor(offsets=(8, 16))}, 16, "'a' begins at byte 8, and the one before it ends at 0"),
        ({"a": tensor()}, 9, "its tensors take 8 bytes, and it has 9"),
        ({"a": tensor()}, 7, "its tensors take 8 bytes, and it has 7"),
        ({}, 1, "its tensors take 0 bytes"),
        ({"a": tensor(offsets=(0, 4))}, 4, "'a' takes 8 bytes and has 4"),
        ({"a": tensor(offsets=(8, 0))}, 8, "'a' takes 8 bytes and has -8"),
        ({"a": tensor(offsets=(-8, 0))}, 0, "data_offsets"),
        ({"a": tensor(offsets=(0.0, 8.0))}, 8, "data_offsets"),
        ({"a": tensor(offsets=(0, 8, 8))}, 8, "not two numbers"),
        ({"a": tensor(dtype="F31")}, 8, "dtype 'F31', which there is not"),
        ({"a": tensor(dtype=["F32"])}, 8, "which there is not"),
        ({"a": tensor(shape=(-1, -2))}, 8, "has shape"),
        ({"a": tensor(shape=(True, 2))}, 8, "has shape"),
        ({"a": tensor(shape=("2",))}, 8, "has shape"),
        ({"a": tensor(shape=(1,) * 9, offsets=(0, 4))}, 4, "has shape"),
        ({"a": tensor(shape=(2**40, 2**40, 0), offsets=(0, 0))}, 0, "has shape"),
        ({"a": tensor(shape=(2**31, 2**31), offsets=(0, 8))}, 8, "has shape"),
        ({"a": tensor(more=1)}, 8, "nothing else"),
        ({"a": [1]}, 8, "nothing else"),
        ({"a b": tensor()}, 8, "'a b' is no name"),
        ({f"t{i}": tensor(shape=(0,), offsets=(0, 0)) for i in range(10_001)}, 0, "it has 10001 tensors, more than"),
    ],
)
def test_what_does_not_fit_is_named(header, size, match):
    with pytest.raises(ValueError, match=match):
        entries(header, size)


def test_tensors_without_numbers_may_lie_anywhere_between_others():
    header = {
        "z": tensor(shape=(0,), offsets=(8, 8)),
        "a": tensor(),
        "b": tensor("F64", (), (8, 16)),
        "c": tensor("U8", (3, 0), (16, 16)),
    }
    assert {name: each.shape for name, each in entries(header, 16).items()} == {
        "z": (0,),
        "a": (2,),
        "b": (),
        "c": (3, 0),
    }


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
PARTS = {
    "dtype": st.sampled_from([*DTYPES, "F3"]) | JSON,
    "shape": st.lists(st.integers(0, 3), max_size=3) | JSON,
    "data_offsets": st.lists(st.integers(0, 40), min_size=2, max_size=2) | JSON,
}


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)  # other work may run beside it
@given(st.dictionaries(st.sampled_from("abc"), st.fixed_dictionaries(PARTS) | JSON, max_size=3), st.integers(0, 40))
def test_whatever_it_says_either_all_fits_or_a_value_error_says_what_does_not(header, size):
    try:
        found = entries(header, size)
    except ValueError:
        return
    assert sum(each.end - each.begin for each in found.values()) == size
