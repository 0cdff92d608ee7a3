"""``python -m benchmarks.grading [--most 100] [--layer NAME] [--style STYLE] [--list]``: what is caught and named."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict
from itertools import islice
from pathlib import Path

from benchmarks.grading.mutants import Mutant, mutants_of
from benchmarks.grading.named import Verdict, verdict_on
from benchmarks.grading.same import is_same
from corenet.grading.classroom.row import Row
from corenet.grading.classroom.server import Graded
from corenet.grading.layers import NAMES, layer
from corenet.grading.textbook import STYLES, Style
from corenet.machine import machine
from corenet.scaffold.assignment import assignment_files, solution_of
from corenet.scaffold.render import write_folder

RIGHT = Path(__file__).parent / "right"
IN_RIGHT = NAMES[:10]  # the layers that each file there has


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.grading", description=__doc__)
    parser.add_argument("--most", type=int, default=100, help="mutants of a layer in a style")
    parser.add_argument("--layer", default="", help="of this layer alone")
    parser.add_argument("--style", default="", help="in this style alone")
    parser.add_argument("--list", action="store_true", help="say of each mutant what it was called")
    chosen = parser.parse_args()
    begin = time.time()
    if not chosen.layer:
        _tell_right()
    verdicts, same = [], 0
    for name in NAMES if not chosen.layer else (chosen.layer,):
        for style in STYLES if not chosen.style else (chosen.style,):
            mutants, passed_over = _different(name, style, chosen.most)
            same += passed_over
            verdicts += _verdicts(name, style, mutants)
    if chosen.list:
        print(*(f"{each.misconception}, line {each.line}: {each.mutant}" for each in verdicts), sep="\n")
    _tell(verdicts, same)
    print(f"\n{time.time() - begin:.0f} s; {machine()}")


def graded(layers: tuple[str, ...], style: Style, texts: dict[str, str]) -> dict[str, Row]:
    """Return the row of each submission, graded in a process of its own that is forked from this one."""
    with tempfile.TemporaryDirectory() as folder:
        write_folder(Path(folder, "assignment"), assignment_files("assignment", layers, style))
        return {
            name: Row.of(name, asdict(Graded(f"{folder}/assignment", f"{name}.py", text.encode(), [folder]).answer()))
            for name, text in texts.items()
        }


def _different(name: str, style: Style, most: int) -> tuple[list[Mutant], int]:
    """Return mutants that compute something else, and how many were passed over because they do not."""
    passed_over = 0

    def different() -> Iterator[Mutant]:
        nonlocal passed_over
        for mutant in mutants_of(name, style, solution_of([layer(name)], style)):
            if is_same(mutant, style):
                passed_over += 1
            else:
                yield mutant

    return list(islice(different(), most)), passed_over


def _verdicts(name: str, style: Style, mutants: list[Mutant]) -> list[Verdict]:
    rows = graded((name,), style, {mutant.name: mutant.text for mutant in mutants})
    return [verdict_on(mutant, rows[mutant.name]) for mutant in mutants]


def _tell_right() -> None:
    """Say which of the right solutions lose a point: five files of ten layers each, and the textbook's own."""
    refused = []
    files = sorted(RIGHT.glob("*.py"))
    for style in STYLES:
        texts = {path.stem: path.read_text(encoding="utf-8") for path in files if path.stem.startswith(style)}
        rows = graded(IN_RIGHT, style, texts)
        own = graded(NAMES, style, {"textbook": solution_of([layer(name) for name in NAMES], style)})
        for row in (*rows.values(), *own.values()):
            refused += [f"{row.student} {check.id}: {check.message}" for _, check in row.checks if not check.passed]
            refused += [f"{row.student}: {row.error}"] if row.error else []
    print(
        f"right solutions: {len(files) * len(IN_RIGHT)}, and the textbook's own; checks that they lost: {len(refused)}"
    )
    print(*refused, sep="\n", flush=True)


def _tell(verdicts: list[Verdict], same: int) -> None:
    caught = [each for each in verdicts if each.caught]
    print(f"mutants: {len(verdicts)} ({same} more compute the same)")
    print(f"caught: {_share(len(caught), len(verdicts))}")
    _tell_named("all", caught)
    _tell_named("those that return a wrong gradient", [each for each in caught if not each.raises])
    _tell_named("those that raise an error", [each for each in caught if each.raises])
    for each in verdicts:
        if not each.caught:
            print(f"survived: {each.mutant}")
    for each in caught:
        if not each.named:
            print(f"not named: {each.mutant}\n    {each.misconception}, line {each.line}: {each.message}")


def _tell_named(what: str, verdicts: list[Verdict]) -> None:
    total = len(verdicts)
    print(f"{what}: named by the misconception or the line {_share(sum(each.named for each in verdicts), total)}")
    print(f"    by the misconception {_share(sum(each.by_name for each in verdicts), total)}")
    print(f"    by the line {_share(sum(each.by_line for each in verdicts), total)}")


def _share(count: int, total: int) -> str:
    return f"{count} of {total} ({count / max(total, 1):.1%})"


if __name__ == "__main__":
    main()
