"""What can run code, start programs or reach the network: nowhere but in the places that are listed here."""

import ast
from pathlib import Path

import pytest

import corenet as cn

PACKAGE = Path(cn.__file__).parent
PLUGINS = Path(__file__).parents[1] / "plugins"
SOURCES = sorted(
    [*PACKAGE.rglob("*.py"), *(each for each in PLUGINS.rglob("*.py") if not {"tests", "build"} & set(each.parts))]
)

CALLS = {
    "eval": "code", "exec": "code", "compile": "code", "__import__": "import", "import_module": "import",
    "find_spec": "import", "spec_from_file_location": "import", "exec_module": "import", "run_path": "code",
    "system": "program", "popen": "program", "execv": "program", "execve": "program", "fork": "program",
    "spawnv": "program", "CDLL": "library", "PyDLL": "library", "LoadLibrary": "library",
}  # fmt: skip
METHODS = {"torch.load": "pickle", "torch.save": "pickle", "re.compile": None, "torch.compile": None}
MODULES = {
    "pickle": "pickle", "cPickle": "pickle", "dill": "pickle", "shelve": "pickle", "marshal": "pickle",
    "joblib": "pickle", "cloudpickle": "pickle", "subprocess": "program", "pty": "program", "socket": "network",
    "http": "network", "urllib.request": "network", "requests": "network", "httpx": "network", "ftplib": "network",
    "smtplib": "network", "socketserver": "network", "runpy": "code", "code": "code", "codeop": "code",
    "imp": "import",
}  # fmt: skip
SWITCHES = {"shell": "shell", "allow_pickle": "pickle"}

# Each place with what it does, and why.
ALLOWED = {
    "corenet/__init__.py": {"import": "the public names, each imported at its first use, from a table in the file"},
    "corenet/registry/__init__.py": {"import": "likewise"},
    "corenet/registry/targets.py": {"import": "the registry: the one place where a component's name becomes code"},
    "corenet/registry/python_file.py": {"import": "a Python file that a user names, or an experiment beside itself"},
    "corenet/registry/discovery.py": {"import": "the registry: the built-in plugin"},
    "corenet/cli/__init__.py": {"import": "a command's own module, by a name of a table in the file"},
    "corenet/cli/component_file.py": {"import": "the file or module that a user names on the command line"},
    "corenet/grading/layers/__init__.py": {"import": "a textbook layer's module, by a name of a list in the file"},
    "corenet/cli/bench.py": {"program": "this Python again, for the peers that are measured"},
    "corenet/cli/install.py": {"program": "pip, with what the user named"},
    "corenet/canary/environment.py": {"program": "pip and the Python of an environment of its own"},
    "corenet/registry/doctor/child_process.py": {"program": "this Python again, which a plugin may crash"},
    "corenet/registry/doctor/probe.py": {"program": "waits for it"},
    "corenet/registry/doctor/worker.py": {"program": "waits for it"},
    "corenet/registry/doctor/metadata_faults.py": {"network": "url2pathname alone: a file: URL as a path"},
    "corenet/grading/isolation/apart.py": {"program": "forks, for a submission that is kept in"},
    "corenet/grading/isolation/namespaces.py": {"library": "the system's own, for what keeps it in"},
    "corenet/experiments/experiment.py": {"import": "find_spec: whether the package of a plugin is there"},
    "corenet/scaffold/names.py": {"import": "find_spec: whether a name is taken"},
    "corenet/training/engines/cpu/cc.py": {
        "program": "the machine's own C compiler",
        "library": "what it made of code that corenet wrote",
    },
    "corenet/training/engines/cpu/background.py": {"library": "the same, compiled while training goes on"},
    "corenet/training/engines/cpu/engine.py": {"library": "its type"},
    **{
        f"plugins/corenet-{name}/corenet_{name}/__init__.py": {"import": "the public names, from a table in the file"}
        for name in ("activations", "containers", "conv", "losses", "norm", "optim", "sequence")
    },
    "plugins/corenet-conv/corenet_conv/experiments/digits.py": {"import": "scikit-learn, if it is installed"},
    "corenet/search/workers.py": {"network": "gethostname alone: whose trial it is"},
    "corenet/training/ranks/joining.py": {"import": "one module of torch.distributed, named in the file"},
    "corenet/side_by_side.py": {"pickle": "what this process and those that it started tell each other by a pipe"},
    "corenet/tables/bundled.py": {"import": "scikit-learn's data sets, if it is installed"},
    "corenet/testing/diagnosis/source_edits.py": {"code": "a component's own source with one edit, to diagnose it"},
    "corenet/testing/checks/optimizer_contract.py": {"pickle": "a copy made here, of a component that is checked"},
    "corenet/testing/support/copiers.py": {"pickle": "a copy made here, of a component that is checked"},
    "corenet/testing/support/other_generators.py": {"pickle": "states of generators, made here and compared"},
}


def named(path):
    for root in (PACKAGE, PLUGINS):
        if path.is_relative_to(root):
            return path.relative_to(root.parent).as_posix()
    return path.name


def dotted(node):
    if isinstance(node, ast.Name):
        return node.id
    return f"{dotted(node.value)}.{node.attr}" if isinstance(node, ast.Attribute) else ""


def found_in(source):
    """Return what a source can do of these: ``{"import", "program"}``."""
    return {what for node in ast.walk(ast.parse(source)) for what in found_at(node)}


def found_at(node):
    if isinstance(node, ast.Import):
        yield from (of_module(alias.name) for alias in node.names if of_module(alias.name))
    elif isinstance(node, ast.ImportFrom):
        names = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
        yield from (of_module(name) for name in names if of_module(name))
        yield from (CALLS[alias.name] for alias in node.names if alias.name in CALLS and node.module != "torch")
    elif isinstance(node, ast.Attribute) and dotted(node) in METHODS:
        yield from [METHODS[dotted(node)]] if METHODS[dotted(node)] else []
    elif isinstance(node, ast.Attribute) and node.attr in CALLS:
        module = dotted(node.value).rpartition(".")[2]
        if module in ("importlib", "builtins", "os", "util", "loader", "machinery", "ctypes", "runpy", "cdll"):
            yield CALLS[node.attr]
    elif isinstance(node, ast.Name) and node.id in ("eval", "exec", "compile", "__import__"):
        yield CALLS[node.id]
    elif isinstance(node, ast.keyword) and node.arg in SWITCHES and ast.unparse(node.value) != "False":
        yield SWITCHES[node.arg]


def of_module(name):
    return next((what for module, what in MODULES.items() if f"{name}.".startswith(f"{module}.")), None)


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_what_can_harm_is_where_it_is_listed_and_nowhere_else(path):
    assert found_in(path.read_text(encoding="utf-8")) == set(ALLOWED.get(named(path), {}))


def test_every_place_that_is_listed_is_there():
    assert set(ALLOWED) <= set(map(named, SOURCES))


def test_no_model_file_experiment_or_table_can_reach_any_of_it():
    readers = ("corenet/checkpoint/", "corenet/experiments/", "corenet/tables/", "corenet/files.py", "corenet/data.py")
    reached = {place: list(what) for place, what in ALLOWED.items() if place.startswith(readers)}
    assert reached == {"corenet/tables/bundled.py": ["import"], "corenet/experiments/experiment.py": ["import"]}


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("import pickle", "pickle"),
        ("from pickle import loads", "pickle"),
        ("def later():\n    import socket", "network"),
        ("from urllib import request", "network"),
        ("import urllib.request as r", "network"),
        ("import subprocess as s", "program"),
        ("os.system('ls')", "program"),
        ("from os import popen", "program"),
        ("run(x, shell=True)", "shell"),
        ("run(x, shell=flag)", "shell"),
        ("eval('1')", "code"),
        ("f = exec", "code"),
        ("builtins.exec('1')", "code"),
        ("__import__('os')", "import"),
        ("importlib.import_module(name)", "import"),
        ("from importlib import import_module", "import"),
        ("importlib.util.spec_from_file_location(a, b)", "import"),
        ("torch.load(path, weights_only=True)", "pickle"),
        ("np.load(path, allow_pickle=True)", "pickle"),
        ("ctypes.CDLL(path)", "library"),
    ],
)
def test_it_is_seen(source, what):
    assert what in found_in(source)


@pytest.mark.parametrize(
    "source",
    [
        "model.eval()",
        "re.compile('x')",
        "torch.compile(step)",
        "from torch import compile",
        "np.load(path, allow_pickle=False)",
        "from urllib.parse import urlsplit",
        "json.load(file)",
    ],
)
def test_what_does_no_harm_is_let_through(source):
    assert found_in(source) == set()
