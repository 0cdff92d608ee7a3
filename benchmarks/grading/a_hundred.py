"""``python -m benchmarks.grading.a_hundred``: the seconds that ``corenet grade`` takes for a hundred submissions."""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.grading.mutants import mutants_of
from corenet.grading.layers import layer
from corenet.machine import machine
from corenet.scaffold.assignment import assignment_files, solution_of
from corenet.scaffold.render import write_folder

LAYERS = ("linear", "relu", "softmax", "cross_entropy", "layernorm")
STUDENTS = 100
HARMFUL = ("while True: pass", "import os; os._exit(0)", "import os\nwhile True: os.fork()", "x = bytearray(10**10)")


def main() -> None:
    for style in ("numpy", "module"):
        seconds = _seconds(style)
        print(f"{STUDENTS} submissions of {len(LAYERS)} layers, {style} style: {seconds:.0f} s", flush=True)
    print(machine())


def _seconds(style: str) -> float:
    """Return how long a class takes of which 60 wrote a mutant, 36 all right, and 4 do harm."""
    right = solution_of([layer(name) for name in LAYERS], style)
    mutants = [each.text for each in mutants_of("five", style, right)]
    texts = random.Random(style).sample(mutants, STUDENTS * 60 // 100)
    texts += [f"{right}\n{code}\n" for code in HARMFUL]
    texts += [right] * (STUDENTS - len(texts))
    with tempfile.TemporaryDirectory() as folder:
        write_folder(Path(folder, "assignment"), assignment_files("assignment", LAYERS, style))
        write_folder(Path(folder, "handed-in"), {f"student{number}.py": text for number, text in enumerate(texts)})
        arguments = ["grade", "handed-in", "--assignment", "assignment", "--out", "out"]
        begin = time.monotonic()
        subprocess.run([sys.executable, "-m", "corenet", *arguments], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        return time.monotonic() - begin


if __name__ == "__main__":
    main()
