"""``python -m benchmarks.file_fuzzer.damage [--count 10000] [--seed 0]``: flipped bits and lost ends of model files.

So many files with one flipped bit, and as many that were cut short, are drawn from the fuzzer's samples, but the one of
corenet 0.1, which has no checksum. None may be read: not as a model, not into one, not for its tensors alone.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import corenet as cn
from benchmarks.file_fuzzer.samples import samples


def main() -> int:
    """Damage and read; 1 if a damaged file was read, or refused by another error."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.file_fuzzer.damage", description=__doc__)
    parser.add_argument("--count", type=int, default=10_000, help="of flipped bits, and of lost ends")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    draw, begin, silent = random.Random(asked.seed), time.monotonic(), 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        whole = [each for each in samples(Path(folder)) if b"sha256" in each]
        for damage in (flipped, cut):
            read = sum(is_read(path, damage(draw.choice(whole), draw)) for _ in range(asked.count))
            print(f"{asked.count:,} files {damage.__name__}, of {len(whole)}: {read} read", flush=True)
            silent += read
    print(f"seed {asked.seed}, {time.monotonic() - begin:.0f} s")
    return 1 if silent else 0


def flipped(content: bytes, draw: random.Random) -> bytes:
    place = draw.randrange(len(content))
    return content[:place] + bytes([content[place] ^ 1 << draw.randrange(8)]) + content[place + 1 :]


def cut(content: bytes, draw: random.Random) -> bytes:
    return content[: draw.randrange(len(content))]


def is_read(path: Path, content: bytes) -> bool:
    """Tell whether any way to read a file takes it; one that refuses it by another error than ours raises that."""
    path.write_bytes(content)
    ways: list[Callable[[Path], object]] = [cn.load, cn.load_state, lambda each: cn.load(each, cn.Linear(2, 1))]
    return any(_takes(each, path) for each in ways)


def _takes(read: Callable[[Path], object], path: Path) -> bool:
    try:
        read(path)
    except cn.CheckpointError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
