"""A plugin's requirement of corenet against corenet's version, as PEP 440 and 508 have it."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet

from corenet.registry.compatibility import reason_against


def fits(requirement, version="0.1.0"):
    return reason_against([requirement], version) is None


@pytest.mark.parametrize(
    ("requirement", "expected"),
    [
        ("corenet", True),
        ("corenet>=0.1,<1", True),
        ("corenet<1,>=0.1", True),
        ("corenet (>=0.1,<1)", True),
        ("corenet>=0.2", False),
        ("corenet>=99", False),
        ("CoreNet >= 99", False),
        ("corenet[plot] >= 99", False),
        ("corenet<0.1", False),
        ("corenet==0.1", True),
        ("corenet==0.1.0.0", True),
        ("corenet!=0.1", False),
        ("corenet>0.1", False),
        ("corenet<=0.1", True),
        ("corenet>=0.1,", True),
        ("corenet-swish>=99", True),
        ("corenet_swish>=99", True),
        ("corenet.swish>=99", True),
        ("torch>=99", True),
        # What packaging is asked for.
        ("corenet~=0.1.0", True),
        ("corenet~=0.2", False),
        ("corenet==0.1.*", True),
        ("corenet==1.*", False),
        ("corenet===0.1.0", True),
        ("corenet>=0.2rc1", False),
        ("corenet>=0.1.0rc1", True),
        ("corenet @ https://example.org/corenet.whl", True),
        ("corenet>=99; python_version < '3'", True),
        ("corenet>=99; python_version > '3'", False),
        ("corenet>=99; extra == 'x'", True),
        ('corenet>=99 ; extra=="x"', True),
        ("corenet>=99; extra == 'x' and python_version > '3'", True),
        ("corenet>=99; extra == 'x' or python_version > '3'", False),
    ],
)
def test_requirements(requirement, expected):
    assert fits(requirement) is expected


@pytest.mark.parametrize(
    "requirement",
    ["corenet >>> soon", "corenet>=", "corenet>=x", "corenet>=1;", "corenet (>=99", "corenet>=99; nonsense == '1'", ""],
)
def test_a_malformed_requirement_is_not_held_against_the_plugin(requirement):
    assert fits(requirement)


@pytest.mark.parametrize("version", ["0.2rc1", "0.2.0a1", "0.2.dev3", "0.2.0.dev1+local", "0.2.post1", "0.2+cpu"])
def test_a_pre_release_counts_as_its_release(version):
    assert fits("corenet>=0.2", version)
    assert fits("corenet~=0.2", version)
    assert not fits("corenet<0.2", version)


def test_the_reason_names_the_requirement_the_version_and_the_fix():
    assert str(reason_against(["torch", "corenet>=0.2,<1; python_version > '3'", "corenet>=99"], "0.1.0")) == (
        "it needs corenet>=0.2,<1 and this is corenet 0.1.0; "
        "pip install 'corenet>=0.2,<1', or another version of the plugin"
    )


RELEASE = st.lists(st.integers(0, 3), min_size=1, max_size=3).map(lambda numbers: ".".join(map(str, numbers)))
CLAUSE = st.tuples(st.sampled_from([">=", "<=", "==", "!=", "<", ">"]), RELEASE).map("".join)


@given(st.lists(CLAUSE, max_size=3).map(",".join), RELEASE)
def test_plain_clauses_mean_what_packaging_says(specifier, release):
    assert fits(f"corenet{specifier}", release) is SpecifierSet(specifier).contains(release)


@pytest.mark.parametrize(
    ("requirement", "imported"),
    [
        ("corenet>=0.1,<1", False),
        ("corenet[all]; extra == 'dev'", False),
        ("torch~=2.0", False),
        ("corenet~=0.1", True),
    ],
)
def test_packaging_is_imported_for_what_is_not_plain_only(requirement, imported):
    code = (
        "import sys; from corenet.registry.compatibility import reason_against;"
        f"reason_against([{requirement!r}], '0.1.0'); print('packaging' in sys.modules)"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == str(imported)
