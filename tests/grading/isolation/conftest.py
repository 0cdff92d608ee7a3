"""A server that runs pieces of code apart, as the one that grades does."""

import pytest

from corenet.registry.doctor.worker import Worker

SERVER = """
from dataclasses import asdict
from corenet.grading.isolation.apart import Task, run_apart
from corenet.grading.isolation.guard import Guard
from corenet.grading.isolation.limits import Limits
from corenet.registry.doctor.worker import serve

START = Guard.start

def run_in_child():
    serve(answer, memory=None)

def answer(request):
    Guard.start = START if request["guarded"] else lambda self: None
    names = {}
    exec("def work(tell):\\n" + request["code"], names)
    files = {name: text.encode() for name, text in request["files"].items()}
    limits = Limits(request["seconds"], request["memory"])
    return asdict(run_apart(Task(names["work"], limits, files, request["hidden"])))
"""


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("server")
    (folder / "apart_server.py").write_text(SERVER, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch, Worker("apart_server") as worker:
        patch.syspath_prepend(folder)
        yield worker


@pytest.fixture
def apart(server):
    """Run a piece of code apart: ``apart("return 1 + 1")``."""

    def run(code, *, seconds=20.0, memory=300, files=None, hidden=(), guarded=True):
        body = "\n".join(f"    {line}" for line in code.splitlines())
        request = {
            "code": body, "seconds": seconds, "memory": memory, "files": files or {}, "hidden": list(map(str, hidden)),
            "guarded": guarded,
        }  # fmt: skip
        return server.ask(request, 60)

    return run


@pytest.fixture
def behind_walls(apart):
    """The same without the guard, to see what the system itself refuses; skipped where it has no walls."""
    if not apart("return 0")["walls"]:
        pytest.skip("this system permits no namespaces")
    return lambda code, **more: apart(code, guarded=False, **more)
