"""What the audit hook refuses, each tried; and what it lets through."""

import pytest


@pytest.fixture
def secret(tmp_path):
    path = tmp_path / "others" / "bob.py"
    path.parent.mkdir()
    path.write_text("the answer", encoding="utf-8")
    return path


def refused(answer, what):
    assert answer["fault"].startswith("PermissionError: a submission may not ")
    assert any(what in each for each in answer["refusals"]), answer
    return True


@pytest.mark.parametrize(
    "code",
    [
        "open({!r})",
        "open({!r}, 'rb')",
        "import os\nos.open({!r}, os.O_RDONLY)",
        "from pathlib import Path\nPath({!r}).read_text()",
        "import os\nos.link({!r}, 'mine.py')",
        "import os\nos.symlink({!r}, 'mine.py')\nreturn open('mine.py').read()",
        "import os\nos.listdir(os.path.dirname({!r}))",
        "import os\nos.chdir(os.path.dirname({!r}))",
        "import linecache, tokenize\ntokenize.open({!r})",
    ],
)
def test_files_of_others_are_not_read(apart, secret, code):
    answer = apart(code.format(str(secret)))
    assert "the answer" not in str(answer["value"])
    assert answer["refusals"] or answer["value"] is None


@pytest.mark.parametrize(
    "code",
    [
        "open({!r}, 'w')",
        "open({!r}, 'a')",
        "open({!r}, 'r+')",
        "import os\nos.open({!r}, os.O_WRONLY | os.O_CREAT)",
        "import os\nos.remove({!r})",
        "import os\nos.rename({!r}, 'mine.py')",
        "import os\nos.replace('a.txt', {!r})",
        "import os\nos.truncate({!r}, 0)",
        "import os\nos.chmod({!r}, 0)",
        "import os\nos.rmdir(os.path.dirname({!r}))",
        "import os\nos.mkdir({!r} + '2')",
        "import os\nos.utime({!r})",
        "import shutil, os\nshutil.rmtree(os.path.dirname({!r}))",
    ],
)
def test_nothing_is_changed_outside_its_folder(apart, secret, code):
    assert refused(apart(code.format(str(secret)), files={"a.txt": "x"}), str(secret.parent))
    assert secret.read_text(encoding="utf-8") == "the answer"
    assert [each.name for each in secret.parent.iterdir()] == ["bob.py"]


@pytest.mark.parametrize(
    ("code", "what"),
    [
        ("import socket\nsocket.create_connection(('127.0.0.1', 80))", "reach the network"),
        ("import socket\nsocket.socket()", "reach the network"),
        ("import urllib.request\nurllib.request.urlopen('http://127.0.0.1')", "reach the network"),
        ("import os\nos.system('true')", "start a program"),
        ("import subprocess\nsubprocess.run(['true'])", "start a program"),
        ("import os\nos.execv('/bin/true', ['true'])", "start a program"),
        ("import os\nos.posix_spawn('/bin/true', ['true'], {})", "start a program"),
        ("import os\nos.fork()", "start a process"),
        ("import multiprocessing as m\nm.Process(target=print).start()", "start a process"),
        ("import os\nos.kill(os.getppid(), 9)", "end a process"),
        ("import ctypes\nctypes.CDLL(None)", "call the machine directly"),
        ("import resource\nresource.setrlimit(resource.RLIMIT_CPU, (9, 9))", "change its limits"),
        ("import gc\ngc.get_objects()", "search the memory of its judge"),
        ("import mmap\nmmap.mmap(-1, 10**9)", "take so much memory"),
        ("import os, sys\nos.open(sys.prefix, os.O_RDONLY)", "open the folder /"),
        ("return open('/proc/self/environ').read()", "read /proc"),
    ],
)
def test_it_is_refused(apart, code, what):
    assert refused(apart(code), what)


def test_what_is_refused_is_told_though_the_code_goes_on(apart):
    answer = apart("import os\ntry:\n    os.fork()\nexcept PermissionError:\n    return 1")
    assert (answer["value"], answer["refusals"]) == (1, ["start a process"])


def test_a_hidden_folder_is_not_read_though_python_imports_from_above_it(apart, tmp_path, server):
    """As where a teacher's own folder is on the path; what is not hidden beside it is read."""
    code = "import sys\nsys.path.insert(0, {0!r})\nreturn open({0!r} + '/{1}').read()"
    import corenet

    package = str(next(iter(corenet.__path__)))
    assert apart(code.format(package, "errors.py"), hidden=[f"{package}/cli"])["value"]
    assert refused(apart(code.format(package, "cli/check.py"), hidden=[f"{package}/cli"]), "read ")


@pytest.mark.parametrize(
    "code",
    [
        "import os\nos.mkdir('d')\nopen('d/e', 'w').write('x')\nos.rename('d/e', 'f')\nos.remove('f')\nreturn 1",
        "import colorsys, decimal, wave\nreturn 1",
        "open('/dev/null', 'w').write('x')\nreturn 1",
        "import os\nreturn len(os.urandom(3)) - 2",
        "import tempfile\nwith tempfile.TemporaryFile() as f: f.write(b'x')\nreturn 1",
        "import random, time\ntime.sleep(0)\nreturn 1",
    ],
)
def test_what_does_no_harm_is_let_through(apart, code):
    answer = apart(code)
    assert (answer["value"], answer["refusals"]) == (1, [])
