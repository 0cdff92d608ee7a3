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
import torch
model = cn.Sequential(cn.Linear(2, 3), cn.Tanh(), cn.Linear(3, 1), cn.Sigmoid())
data, loss = cn.data.disk(20, seed=0), cn.BCELoss(weight=torch.full((1,), 0.5))
cn.fit(model, loss, cn.SGD(model.parameters(), lr=0.1), data, epochs=1, batch_size=5, progress=False)
parts = sorted({{".".join(name.split(".")[:2]) for name in sys.modules if name.startswith("corenet.")}})
print(json.dumps([parts, "sympy" in sys.modules, gc.isenabled()]))
"""


@pytest.mark.parametrize("collecting", [True, False])
def test_it_imports_nothing_that_few_need_and_leaves_the_garbage_collector_as_it_was(collecting):
    code = CODE.format(collecting=collecting)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    parts, has_sympy, collects = json.loads(done.stdout)
    assert collects is collecting
    assert not has_sympy  # half a second, which some functions of torch import
    assert "corenet.training" in parts
    assert not {"corenet.checkpoint", "corenet.tables", "corenet.experiments", "corenet.report"} & set(parts)
