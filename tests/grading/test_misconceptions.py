"""Every misconception has words, and every name that the grader uses is one."""

import re
from pathlib import Path

import pytest

import corenet
from corenet.grading.misconceptions import MISCONCEPTIONS, hint
from corenet.grading.of_diagnosis import OF_DIAGNOSIS
from corenet.grading.of_edit import REDUCING, WITH_ANOTHER
from corenet.testing.diagnosis.diagnose import PATTERNS, code_of

SOURCES = "\n".join(path.read_text() for path in (Path(corenet.__file__).parent / "grading").rglob("*.py"))


@pytest.mark.parametrize("slug", MISCONCEPTIONS)
def test_the_words_are_a_title_and_one_sentence(slug):
    title, text = MISCONCEPTIONS[slug]
    assert re.fullmatch(r"[a-z_]+", slug)
    assert 0 < len(title) <= 50
    assert not title.endswith(".")
    assert text[-1] in ".?"
    assert len(text) <= 140
    assert hint(slug) == text


@pytest.mark.parametrize("slug", MISCONCEPTIONS)
def test_each_is_one_that_the_grader_can_find(slug):
    assert f'"{slug}"' in SOURCES


def test_what_the_diagnosis_and_the_edits_find_has_words():
    assert {*OF_DIAGNOSIS.values(), *WITH_ANOTHER.values(), *REDUCING.values()} <= set(MISCONCEPTIONS)
    assert set(OF_DIAGNOSIS) <= {code_of(pattern) for pattern, _ in PATTERNS}
