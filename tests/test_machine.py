"""The machine that a measurement belongs to."""

import re

from corenet.machine import machine


def test_the_machine_is_named():
    assert re.fullmatch(r"\S+, .+, Python 3\.\d+\.\d+\S*, torch \d+\.\d+\S*, \d{4}-\d\d-\d\d", machine())
