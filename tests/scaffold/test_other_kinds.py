"""What is written for a schedule, a metric, a callback, an initializer, found on the path as if it were installed."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib

import pytest

from corenet.registry.spec import KINDS
from corenet.scaffold.names import FAULTS, SUMMARIES, names_for
from corenet.scaffold.render import render, write_folder
from corenet.testing import check_component

# The longest names too: they are where the layout of the code would break.
PLUGINS = {"corenet-slow-start": "schedule", "x" * 40: "metric", "fancy-goal": "callback", "my-lecun": "initializer"}

# What the README says to do to see the check fail: the code, that in its place, and the check.
BROKEN = {
    "schedule": ("done = step + 1", "self.done = done = getattr(self, 'done', 0) + 1", "schedule.pure"),
    "metric": ("total, self.count = 0.0, 0", "total, self.count = getattr(self, 'total', 0), 0", "metric.resets"),
    "callback": ("        self.reached = None\n        self.sign", "        self.sign", "callback.again"),
    "initializer": ("fan_in = ", "import torch; torch.manual_seed(0); fan_in = ", "initializer.generator"),
}


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """A folder with the four, and the environment in which Python finds them with their metadata."""
    folder = tmp_path_factory.mktemp("workplace")
    for name, kind in PLUGINS.items():
        write_folder(folder / name, render(names_for(name, kind)))
        project = tomllib.loads((folder / name / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        info = folder / name / f"{name.replace('-', '_')}-0.1.0.dist-info"
        info.mkdir()
        (requires,) = project["dependencies"]
        head = ["Metadata-Version: 2.4", f"Name: {name}", "Version: 0.1.0", f"Summary: {project['description']}"]
        (info / "METADATA").write_text("\n".join([*head, f"Requires-Dist: {requires}", ""]), encoding="utf-8")
        ((group, offers),) = project["entry-points"].items()
        lines = [f"[{group}]", *(f"{component} = {target}" for component, target in offers.items()), ""]
        (info / "entry_points.txt").write_text("\n".join(lines), encoding="utf-8")
    path = os.pathsep.join([*(str(folder / name) for name in PLUGINS), os.environ.get("PYTHONPATH", "")])
    return folder, {**os.environ, "PYTHONUTF8": "1", "PYTHONPATH": path}


def run(workplace, *command):
    folder, environment = workplace
    done = subprocess.run(
        [str(part) for part in command], cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_there_is_a_template_for_every_kind():
    assert list(SUMMARIES) == list(FAULTS) == list(KINDS)


def test_it_is_listed_and_conforms(workplace):
    rows = json.loads(run(workplace, sys.executable, "-m", "corenet", "list-components", "--json"))["components"]
    found = {row["distribution"]: (row["kind"], row["status"], row["summary"]) for row in rows}
    for name, kind in PLUGINS.items():
        assert found[name] == (kind, "declared", SUMMARIES[kind])
    stdout = run(workplace, sys.executable, "-m", "corenet", "check", *PLUGINS)
    verdicts = [line.split()[:2] for line in stdout.splitlines() if not line.startswith(" ")]
    assert verdicts == [["ok", kind] for kind in PLUGINS.values()]


def test_it_passes_its_own_tests(workplace):
    folder, _ = workplace
    # In one process, for torch takes long to import; the settings of the four differ in nothing but "testpaths".
    settings = ["-q", "-p", "no:cacheprovider", "-c", folder / "fancy-goal" / "pyproject.toml"]
    places = [folder / name / part for name in PLUGINS for part in ("tests", name.replace("-", "_"))]
    assert " passed" in run(workplace, sys.executable, "-m", "pytest", *settings, *places)


@pytest.mark.parametrize("name", PLUGINS)
def test_it_is_tidy(workplace, name):
    ruff = shutil.which("ruff", path=os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", "")]))
    if ruff is None:
        pytest.skip("ruff is not installed")
    folder, _ = workplace
    run(workplace, ruff, "check", "--no-cache", folder / name)
    run(workplace, ruff, "format", "--no-cache", "--check", folder / name)


@pytest.mark.parametrize(("name", "kind"), PLUGINS.items())
def test_the_fault_that_the_readme_proposes_is_found(workplace, name, kind):
    folder, _ = workplace
    assert FAULTS[kind] in (folder / name / "README.md").read_text(encoding="utf-8")
    right, wrong, check = BROKEN[kind]
    text = (folder / name / name.replace("-", "_") / "__init__.py").read_text(encoding="utf-8")
    assert text.count(right) == 1
    assert check in failures(text.replace(right, wrong), name, kind)
    assert failures(text, name, kind) == []


def failures(text, name, kind):
    """Return which checks fail on the class that a file defines."""
    module = {"__name__": "written"}
    exec(compile(text, f"{name}.py", "exec"), module)
    report = check_component(module[names_for(name, kind)["cls"]])
    return [result.check for result in report.failures]


@pytest.mark.parametrize(("kind", "oldest"), [("module", "0.1"), ("optimizer", "0.1"), ("metric", "0.2")])
def test_it_asks_for_a_corenet_that_knows_its_kind(kind, oldest):
    files = render(names_for("corenet-new", kind))
    assert f'dependencies = ["corenet>={oldest},<1"]' in files["pyproject.toml"]
    assert f"corenetoldest: corenet=={oldest}.0\n" in files["tox.ini"]
