"""``corenet new-plugin``: the files that it writes, and the example is what it writes."""

from fnmatch import fnmatch
from pathlib import Path

import pytest

from corenet.registry.spec import KINDS

EXAMPLE = Path(__file__).parents[2] / "plugins" / "corenet-example"
FILES = [
    ".github/workflows/test.yml",
    ".gitignore",
    "LICENSE",
    "README.md",
    "corenet_swish/__init__.py",
    "corenet_swish/py.typed",
    "pyproject.toml",
    "tests/test_swish.py",
    "tox.ini",
]


def contents(folder):
    """Return every file's bytes by its path, without what tools leave behind."""
    left_behind = [line.rstrip("/") for line in (folder / ".gitignore").read_text(encoding="utf-8").split()]
    files = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    return {
        path.as_posix(): (folder / path).read_bytes()
        for path in files
        if not any(fnmatch(part, pattern) for part in path.parts for pattern in left_behind)
    }


def test_the_example_is_what_new_plugin_writes_byte_for_byte(call, tmp_path):
    assert call("new-plugin", "corenet-example", "--component", "swish").code == 0
    written = contents(tmp_path / "corenet-example")
    assert written == contents(EXAMPLE)


def test_it_writes_a_package_and_says_what_is_next(call, tmp_path):
    assert call("new-plugin", "corenet-swish") == (
        0,
        "wrote corenet-swish: the module swish, in corenet_swish/__init__.py\n"
        "next:\n"
        "  pip install -e corenet-swish\n"
        "  corenet list-components\n"
        "  corenet check corenet-swish\n",
        "",
    )
    assert sorted(contents(tmp_path / "corenet-swish")) == FILES


def test_the_folder_can_be_chosen(call, tmp_path):
    (tmp_path / "my plugins").mkdir()
    code, stdout, _ = call("new-plugin", "corenet-swish", "--out", "my plugins")
    assert code == 0
    assert stdout.startswith("wrote my plugins: ")
    assert "  pip install -e 'my plugins'\n" in stdout
    assert sorted(contents(tmp_path / "my plugins")) == FILES


@pytest.mark.parametrize("kind", KINDS)
def test_every_placeholder_is_filled(call, tmp_path, kind):
    call("new-plugin", "corenet-swish", "--kind", kind)
    for name, text in contents(tmp_path / "corenet-swish").items():
        assert b"$" not in text.replace(b"${{ matrix.python }}", b""), name


@pytest.mark.parametrize(
    ("name", "component", "message"),
    [
        ("corenet-2d", None, "'2d' is no name for a component"),
        ("corenet-x", "", "'' is no name for a component"),
        ("corenet-x", "Swish", "'Swish' is no name for a component"),
        ("corenet-x", "a-b", "'a-b' is no name for a component"),
        ("corenet-linear", None, "the module 'linear' is built in"),
        ("corenet-none", None, "a class cannot be called 'None' here"),
        ("corenet-any", None, "a class cannot be called 'Any' here"),
        ("corenet-tensor", None, "a class cannot be called 'Tensor' here"),
    ],
)
def test_what_is_no_name_of_a_component_is_refused(call, tmp_path, name, component, message):
    option = [] if component is None else ["--component", component]
    code, stdout, stderr = call("new-plugin", name, *option)
    assert (code, stdout, stderr.count("\n")) == (2, "", 1)
    assert stderr.startswith(f"corenet: {message}")
    assert stderr.endswith("with --component\n")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_something_in_it_is_refused(call, tmp_path):
    (tmp_path / "corenet-swish").mkdir()
    mine = tmp_path / "corenet-swish" / "mine.txt"
    mine.write_text("precious", encoding="utf-8")
    assert call("new-plugin", "corenet-swish") == (
        2,
        "",
        "corenet: corenet-swish is not empty; choose another folder with --out\n",
    )
    assert list(mine.parent.iterdir()) == [mine]
    assert mine.read_text(encoding="utf-8") == "precious"


def test_what_is_no_folder_is_refused(call, tmp_path):
    (tmp_path / "file").write_text("precious", encoding="utf-8")
    for place, reason in (("file", "File exists"), ("no/where", "No such file or directory")):
        code, _, stderr = call("new-plugin", "corenet-swish", "--out", place)
        assert (code, stderr) == (2, f"corenet: cannot write {place}: {reason}; choose another folder with --out\n")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("was_there", [False, True])
def test_a_bad_write_leaves_nothing_half_made(call, tmp_path, monkeypatch, was_there):
    write = Path.write_bytes

    def fail_at_the_tests(path, content):
        if path.name == "test_swish.py":
            raise OSError(28, "No space left on device")
        return write(path, content)

    if was_there:
        (tmp_path / "corenet-swish").mkdir()
    monkeypatch.setattr(Path, "write_bytes", fail_at_the_tests)
    code, stdout, stderr = call("new-plugin", "corenet-swish")
    assert (code, stdout) == (2, "")
    assert stderr.startswith("corenet: cannot write corenet-swish: No space left on device; ")
    assert [path.name for path in tmp_path.rglob("*")] == ["corenet-swish"] * was_there
