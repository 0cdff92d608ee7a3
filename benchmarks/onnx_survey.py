"""``python -m benchmarks.onnx_survey [--cases 2]``: every module that is installed, written as ONNX and verified.

Each is built as the conformance kit builds it, and written by ``corenet_torch.to_onnx``, which lets onnxruntime compute
it. Needs the plugins, and ``pip install onnxscript onnxruntime``.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

import corenet as cn
from benchmarks.table import environment, in_markdown
from corenet.contracts.case import Case
from corenet.errors import CorenetError
from corenet.testing.support.guess import cases_of
from corenet.testing.support.trial import Trial
from corenet_torch import to_onnx


def written(cls: Any, case: Case, path: Path) -> str:
    """Return what came of a case: ``any rows``, ``these rows`` or the reason why not."""
    trial = Trial(cls, case, 0)
    model = trial.build().to(dtype=torch.float32)
    inputs = [each.float() if each.is_floating_point() else each for each in trial.inputs()]
    reason = ""
    for any_rows in (True, False):
        try:
            to_onnx(model, path, *inputs, any_rows=any_rows)
        except CorenetError as error:
            reason = str(error)
        else:
            return "any rows" if any_rows else "these rows"
    return reason


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.onnx_survey", description=__doc__.partition(":")[0])
    parser.add_argument("--cases", type=int, default=2, help="of each module, so many of the kit's")
    most = parser.parse_args().cases
    rows = []
    with TemporaryDirectory() as folder:
        for row in cn.components("module"):
            cls = cn.get("module", row.qualified_name)
            for number, case in enumerate(cases_of(cls)[:most]):
                rows.append([row.qualified_name, str(number), written(cls, case, Path(folder) / "model.onnx")])
                print(*rows[-1], sep="  ", flush=True)
    done = sum(each[2].endswith("rows") for each in rows)
    print(f"\n{environment()}\n\n{done} of {len(rows)} written and computed right\n")
    print(in_markdown(["module", "case", "written for"], [each for each in rows if not each[2].endswith("any rows")]))


if __name__ == "__main__":
    main()
