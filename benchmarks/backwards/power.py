"""``python -m benchmarks.backwards.power``: how small a fault is seen in its own dtype, in all and in few elements.

Of y = x σ(x) the gradient of a share of the elements, in a row, is wrong by a factor; of ten draws, how many were seen.
"""

from __future__ import annotations

import argparse
import time
from functools import partial

import torch

from benchmarks.backwards.functions.swish import Swish
from corenet_torch.call import Call
from corenet_torch.slopes import OwnSlopes
from corenet_torch.trial import FunctionTrial

FAULTS = {
    torch.float32: (1e-5, 1e-4, 1e-3),
    torch.float16: (1e-2, 3e-2, 1e-1),
    torch.bfloat16: (1e-2, 1e-1, 5e-1),
}
SHARES = (1.0, 0.25, 0.01)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.backwards.power", description=__doc__)
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--size", type=int, default=64, help="rows and columns")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    start = time.process_time()
    for dtype, faults in FAULTS.items():
        for share in SHARES:
            for fault in faults:
                count = sum(seen(dtype, share, fault, seed, chosen.size) for seed in range(chosen.draws))
                short = str(dtype).removeprefix("torch.")
                print(f"{short}: {fault:g} in {share:.0%} of the elements, seen {count} of {chosen.draws}", flush=True)
    print(f"{time.process_time() - start:.0f} s of a core")


def seen(dtype: torch.dtype, share: float, fault: float, seed: int, size: int) -> bool:
    """Tell whether such a fault is seen in one draw."""
    x = torch.randn(size, size, generator=torch.Generator().manual_seed(seed)).to(dtype)
    backward = partial(_wrong, places=max(1, round(share * x.numel())), factor=1 + fault)
    call = Call.of((Swish.apply, backward), (x,))
    return any(each.is_wrong for each in OwnSlopes(FunctionTrial(call, {}, seed)))


def _wrong(grad_output: torch.Tensor, x: torch.Tensor, places: int, factor: float) -> torch.Tensor:
    s = torch.sigmoid(x)
    slope = (s + x * s * (1 - s)).contiguous()
    slope.view(-1)[:places] *= factor
    return grad_output * slope


if __name__ == "__main__":
    main()
