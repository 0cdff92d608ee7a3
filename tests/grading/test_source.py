"""The source of a submission: what a layer is made of, and where it fails."""

from pathlib import Path

import pytest

from corenet.grading.source import Source

TEXT = """\
import numpy as np
from scipy import special as sp

SCALE = 2

def forward(x):
    total = 1
    return helper(x) * total

def helper(x):
    return np.abs(x) * SCALE

def other(total):
    return sp.expit(total)

total = other(1)

class Layer:
    def forward(self, x):
        return helper(x)

if __name__ == "__main__":
    x = 3
"""


@pytest.fixture
def source():
    return Source(Path("student.py"), TEXT)


def test_parts_are_what_is_used_and_no_local_of_that_name(source):
    assert [part.lineno for part in source.parts(["forward"])] == [6, 10, 4]


def test_parts_of_a_class_are_what_its_methods_use(source):
    assert [part.lineno for part in source.parts(["Layer"])] == [18, 10, 4]


def test_a_block_for_running_it_alone_is_no_part(source):
    assert "x" not in source.defined


def test_imports_by_their_full_names(source):
    assert source.imported == {"np": "numpy", "sp": "scipy.special"}


def test_a_function_is_that_of_the_file_or_of_the_class(source):
    assert source.function("forward").lineno == 6
    assert source.function("forward", within="Layer").lineno == 19
    assert source.function("backward") is None
    assert source.function("forward", within="Missing") is None


def test_the_line_of_an_error_is_the_last_of_the_file(tmp_path):
    path = tmp_path / "student.py"
    path.write_text("def f(x):\n    return g(x)\n\ndef g(x):\n    return len(x)\n")
    space = {}
    exec(compile(path.read_text(), str(path), "exec"), space)
    with pytest.raises(TypeError) as caught:
        space["f"](3)
    assert Source(path, path.read_text()).raised_at(caught.value) == 5
    assert Source(Path("other.py"), "").raised_at(caught.value) is None
