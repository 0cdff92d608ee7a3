"""``corenet new-plugin``: what it writes is a right plugin as it stands, and the example is what it writes."""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
from fnmatch import fnmatch
from pathlib import Path

import pytest

from corenet.errors import ConfigError
from corenet.registry.distributions import DECLARED_GROUPS
from corenet.scaffold import scaffold

EXAMPLE = Path(__file__).parents[2] / "plugins" / "corenet-example"
# The longest names too: they are where the layout of the code would break.
PLUGINS = {"corenet-gate": "module", "x" * 40: "loss", "fancy-lion": "optimizer"}
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


@pytest.mark.parametrize("kind", ["module", "loss", "optimizer"])
def test_every_placeholder_is_filled(call, tmp_path, kind):
    call("new-plugin", "corenet-swish", "--kind", kind)
    for name, text in contents(tmp_path / "corenet-swish").items():
        assert b"$" not in text.replace(b"${{ matrix.python }}", b""), name


@pytest.mark.parametrize(
    ("name", "kind", "component", "expected"),
    [
        ("corenet-swish", "module", None, ("corenet_swish", "swish", "Swish")),
        ("corenet-soft-sign", "module", None, ("corenet_soft_sign", "soft_sign", "SoftSign")),
        ("conv2d", "module", None, ("conv2d", "conv2d", "Conv2d")),
        ("fancy-loss", "loss", None, ("fancy_loss", "fancy_loss", "FancyLoss")),
        ("corenet-huber", "loss", None, ("corenet_huber", "huber", "HuberLoss")),
        ("my-corenet-lion", "optimizer", None, ("my_corenet_lion", "my_corenet_lion", "MyCorenetLion")),
        ("corenet-example", "module", "swish", ("corenet_example", "swish", "Swish")),
        ("corenet-2d", "module", "conv_2d", ("corenet_2d", "conv_2d", "Conv2d")),
        ("corenet-sgd", "loss", None, ("corenet_sgd", "sgd", "SgdLoss")),  # built in is an optimizer of that name
    ],
)
def test_package_component_and_class_follow_from_the_name(name, kind, component, expected):
    names = scaffold.names_for(name, kind, component)
    assert (names["package"], names["component"], names["cls"]) == expected
    assert DECLARED_GROUPS[names["group"]] == kind


@pytest.mark.parametrize("name", ["", "Corenet-Swish", "a_b", "a--b", "-a", "a-", "a.b", "../a", "a b", "ü", "x" * 41])
def test_what_is_no_name_of_a_plugin_is_refused(name):
    with pytest.raises(ConfigError, match=r"is no name for a plugin: .* as corenet-swish") as caught:
        scaffold.names_for(name, "module")
    assert caught.value.value == name


@pytest.mark.parametrize("name", ["class", "2d", "json", "corenet", "torch", "tests"])
def test_a_name_that_python_would_take_for_another_is_refused(name):
    with pytest.raises(ConfigError, match=f"^'{name}' would make a package .*; take corenet-{name}$"):
        scaffold.names_for(name, "module")


@pytest.mark.parametrize("name", ["numpy", "click", "pip"])
def test_a_name_that_would_hide_an_installed_package_is_refused(name):
    message = f"^the package '{name}' is installed already and would be hidden; take another name$"
    with pytest.raises(ConfigError, match=message):
        scaffold.names_for(name, "module")


def test_a_plugin_that_is_installed_may_be_written_again(install):
    install("corenet-swish", "corenet.modules", "swish = corenet_swish:Swish", corenet_swish="")
    assert scaffold.names_for("corenet-swish", "module")["package"] == "corenet_swish"


def test_no_class_can_have_a_name_that_the_template_imports():
    texts = [path.read_text(encoding="utf-8") for path in scaffold.TEMPLATE.rglob("*.py.tmpl")]
    imported = {name for text in texts for name in re.findall(r"^from \S+ import ([A-Z]\w*)$", text, re.MULTILINE)}
    assert imported == scaffold.USED


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


# What is written, used as its author would: installed by pip, in a virtual environment of its own.


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """A plugin of each kind, and a virtual environment that has them installed and sees the packages of this one."""
    pytest.importorskip("pip", reason="installs with pip")
    pytest.importorskip("hatchling", reason="builds with hatchling, which is in the extra test")
    folder = tmp_path_factory.mktemp("workplace")
    for name, kind in PLUGINS.items():
        scaffold.write_folder(folder / name, scaffold.files_for(scaffold.names_for(name, kind)))
    venv.create(folder / "venv", symlinks=os.name != "nt")
    config = {"base": str(folder / "venv"), "platbase": str(folder / "venv")}
    below = Path(sysconfig.get_path("purelib", "venv", vars=config), "below.pth")
    below.write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n", encoding="utf-8")
    python = Path(sysconfig.get_path("scripts", "venv", vars=config), "python")
    sources = [folder / name for name in PLUGINS]
    options = ["--quiet", "--disable-pip-version-check", "--no-index", "--no-deps", "--no-build-isolation"]
    run(folder, sys.executable, "-m", "pip", "--python", python, "install", *options, *sources)
    return folder, python


def run(folder, *command, expected=0):
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env={**os.environ, "PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == expected, done.stdout + done.stderr
    return done.stdout


def test_what_is_written_is_listed(workplace):
    folder, python = workplace
    rows = json.loads(run(folder, python, "-m", "corenet", "list-components", "--json"))["components"]
    found = {row["distribution"]: (row["name"], row["kind"], row["status"], row["summary"]) for row in rows}
    assert found["corenet-gate"] == ("gate", "module", "declared", scaffold.SUMMARIES["module"])
    assert found["x" * 40] == ("x" * 40, "loss", "declared", scaffold.SUMMARIES["loss"])
    assert found["fancy-lion"] == ("fancy_lion", "optimizer", "declared", scaffold.SUMMARIES["optimizer"])


def test_what_is_written_is_proven(workplace):
    folder, python = workplace
    report = json.loads(run(folder, python, "-m", "corenet", "check", *PLUGINS, "--json"))
    assert report["ok"]


def test_what_is_written_passes_its_own_tests(workplace):
    folder, python = workplace
    # In one process, for torch takes long to import; the settings of the three differ in nothing but "testpaths".
    settings = ["-q", "-p", "no:cacheprovider", "-c", folder / "corenet-gate" / "pyproject.toml"]
    places = [folder / name / part for name in PLUGINS for part in ("tests", name.replace("-", "_"))]
    told = run(folder, python, "-m", "pytest", *settings, *places)
    assert " passed" in told


def test_a_flipped_sign_is_found_and_called_by_its_name(workplace):
    folder, python = workplace
    find = "import importlib.util; print(importlib.util.find_spec('corenet_gate').origin)"
    source = Path(run(folder, python, "-c", find).strip())
    right = source.read_text(encoding="utf-8")
    wrong = right.replace("return grad_output * slope", "return -grad_output * slope")
    assert wrong != right
    source.write_text(wrong, encoding="utf-8")
    try:
        told = run(folder, python, "-m", "corenet", "check", "corenet-gate", expected=1)
    finally:
        source.write_text(right, encoding="utf-8")
    assert "sign" in told


@pytest.mark.parametrize("name", PLUGINS)
def test_what_is_written_is_tidy(workplace, name):
    ruff = shutil.which("ruff", path=os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", "")]))
    if ruff is None:
        pytest.skip("ruff is not installed")
    folder, _ = workplace
    run(folder / name, ruff, "check", "--no-cache", ".")
    run(folder / name, ruff, "format", "--no-cache", "--check", ".")


@pytest.mark.parametrize("name", PLUGINS)
def test_what_is_written_says_who_it_is(workplace, name):
    project = tomllib.loads((workplace[0] / name / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert (project["name"], project["dependencies"]) == (name, ["corenet>=0.1,<1"])
    assert list(project["entry-points"]) == [f"corenet.{PLUGINS[name]}{'e' * (PLUGINS[name] == 'loss')}s"]
