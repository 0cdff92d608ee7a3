"""The first training of a process: what it imports, and what that leaves as it was."""

import json
import subprocess
import sys

import pytest

CODE = """
import gc, json, sys
import corenet as cn
collecting = {collecting}
if not collecting:
    gc.disable()
model = cn.Sequential(cn.Linear(2, 3), cn.Sigmoid(), cn.Linear(3, 1))
data = cn.data.disk(20, seed=0)
cn.fit(model, cn.MSELoss(), cn.SGD(model.parameters(), lr=0.1), data, epochs=1, batch_size=5, progress=False)
parts = sorted({{".".join(name.split(".")[:2]) for name in sys.modules if name.startswith("corenet.")}})
print(json.dumps([parts, gc.isenabled()]))
"""


@pytest.mark.parametrize("collecting", [True, False])
def test_it_imports_nothing_of_files_and_leaves_the_garbage_collector_as_it_was(collecting):
    code = CODE.format(collecting=collecting)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    parts, collects = json.loads(done.stdout)
    assert collects is collecting
    assert "corenet.training" in parts
    assert not {"corenet.checkpoint", "corenet.tables", "corenet.experiments", "corenet.report"} & set(parts)
