"""Reading ahead: values in order, errors where they are, no thread left behind."""

import threading
import time

import pytest

from corenet.tables.streaming.ahead import ahead


def threads():
    return [each for each in threading.enumerate() if each.name == "corenet reads ahead"]


def test_values_come_in_order_and_the_next_is_made_meanwhile():
    made = []

    def values():
        for value in range(5):
            made.append(value)
            yield value

    found = ahead(values())
    assert next(found) == 0
    deadline = time.monotonic() + 10
    while len(made) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.001)
    assert list(found) == [1, 2, 3, 4]
    assert threads() == []


def test_an_error_comes_behind_the_values_before_it():
    def values():
        yield 1
        raise ValueError("no more")

    found = ahead(values())
    assert next(found) == 1
    with pytest.raises(ValueError, match="no more"):
        next(found)
    assert threads() == []


def test_whoever_stops_leaves_no_thread():
    found = ahead(iter(range(1000)))
    next(found)
    found.close()
    assert threads() == []
