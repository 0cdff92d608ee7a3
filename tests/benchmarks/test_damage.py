"""Damage of files: what is drawn is damage, and a file without any is told from one that has some."""

import random

import pytest

import corenet as cn
from benchmarks.file_fuzzer.damage import cut, flipped, is_read


@pytest.fixture
def content(tmp_path):
    cn.save(tmp_path / "model", cn.Linear(3, 2))
    return (tmp_path / "model").read_bytes()


def test_a_flip_changes_one_bit_and_a_cut_takes_an_end_away(content):
    draw = random.Random(random.randrange(2**32))
    for _ in range(50):
        one, other = flipped(content, draw), cut(content, draw)
        changed = [a ^ b for a, b in zip(content, one, strict=True) if a != b]
        assert len(changed) == 1
        assert changed[0].bit_count() == 1
        assert content.startswith(other)
        assert len(other) < len(content)


def test_a_whole_file_is_read_and_a_damaged_one_is_not(tmp_path, content):
    draw = random.Random(random.randrange(2**32))
    assert is_read(tmp_path / "file", content)
    assert not is_read(tmp_path / "file", flipped(content, draw))
    assert not is_read(tmp_path / "file", cut(content, draw))
