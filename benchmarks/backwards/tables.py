"""The tables: what each tool caught, named and accused, and how long it took."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from benchmarks.backwards.corpus import faults
from benchmarks.backwards.survey import DTYPES, Row

OURS = "corenet_torch.check"
# Where a fault shows, in the words of the table.
WHERE = {
    "plain": "in any call: a wrong formula, sign, factor, term, mask or dimension",
    "raises": "in any call: a shape that autograd refuses",
    "float32": "in float32 alone: a product or sum in bfloat16",
    "strided upstream": "where the upstream gradient is strided or expanded",
    "strided input": "where an input is strided",
    "larger": "in other sizes: a block's rest, a stride's rest, a bound",
    "smaller": "in smaller sizes",
    "more dimensions": "with one more leading dimension",
    "large": "where the inputs are large",
    "zero": "where an input is zero",
    "tiny upstream": "where the upstream gradient is tiny",
    "huge upstream": "where the upstream gradient is huge",
    "subset": "where some inputs alone require a gradient",
    "two calls": "where two forwards come before the backwards",
    "twice": "in a second backward: saved tensors overwritten, random numbers",
    "upstream changes": "in the upstream gradient, which is overwritten",
    "unwritten": "in memory that is never written",
    "accumulated": "where .grad has a gradient already",
    "output changed": "where the output is changed in place",
}


def tables(rows: Sequence[Row]) -> str:
    """Return the tables of faults and of right functions, and what was missed and accused by our check."""
    faulty, right = [row for row in rows if row.fault], [row for row in rows if not row.fault]
    parts = [_faults(faulty)] if faulty else []
    parts += [_places(faulty), _kinds(faulty)] if faulty else []
    parts += [_right(right)] if right else []
    return "\n\n".join([*parts, *_told(faulty, right)])


def _tools(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(row.tool for row in rows))


def _faults(rows: Sequence[Row]) -> str:
    lines = ["| tool | faults | caught | cause named right | median s | longest s |", "|---|---|---|---|---|---|"]
    for tool in _tools(rows):
        own = [row for row in rows if row.tool == tool]
        seconds = [row.seconds for row in own]
        named = str(sum(row.named for row in own)) if tool == OURS else "–"
        caught = sum(row.accused for row in own)
        lines.append(f"| {tool} | {len(own)} | {caught} | {named} | {median(seconds):.2f} | {max(seconds):.2f} |")
    return "\n".join(lines)


def _places(rows: Sequence[Row]) -> str:
    """Return how many of the faults that show in one place each tool caught."""
    shown = {fault.name: fault.shown for _, fault in faults()}
    tools = _tools(rows)
    lines = [f"| a fault that shows | faults | {' | '.join(tools)} |", "|---|---|" + "---|" * len(tools)]
    for place, words in WHERE.items():
        own = [row for row in rows if shown[row.fault] == place]
        counts = [str(sum(row.accused for row in own if row.tool == tool)) for tool in tools]
        if own:
            lines.append(f"| {words} | {len({row.fault for row in own})} | {' | '.join(counts)} |")
    return "\n".join(lines)


def _kinds(rows: Sequence[Row]) -> str:
    tools = _tools(rows)
    lines = [f"| fault | modelled on | {' | '.join(tools)} |", "|---|---|" + "---|" * len(tools)]
    for fault in dict.fromkeys(row.fault for row in rows):
        own = {row.tool: row for row in rows if row.fault == fault}
        first = next(iter(own.values()))
        lines.append(
            f"| {first.function}: {first.kind} | {first.source} | {' | '.join(_said(own[tool]) for tool in tools)} |"
        )
    return "\n".join(lines)


def _said(row: Row) -> str:
    return "–" if not row.accused else "caught, named" if row.named else "caught"


def _right(rows: Sequence[Row]) -> str:
    dtypes = [str(each).removeprefix("torch.") for each in DTYPES]
    lines = [
        f"| tool | right cases | accused | {' | '.join(f'in {each}' for each in dtypes)} | median s | longest s |",
        "|---|---|---|" + "---|" * (len(dtypes) + 2),
    ]
    for tool in _tools(rows):
        own = [row for row in rows if row.tool == tool]
        seconds = [row.seconds for row in own]
        counts = [
            f"{sum(row.accused for row in own if row.dtype == each)} of {sum(row.dtype == each for row in own)}"
            for each in dtypes
        ]
        lines.append(
            f"| {tool} | {len(own)} | {sum(row.accused for row in own)} | {' | '.join(counts)} "
            f"| {median(seconds):.2f} | {max(seconds):.2f} |"
        )
    return "\n".join(lines)


def _told(faulty: Sequence[Row], right: Sequence[Row]) -> list[str]:
    """Return our misses, what was caught without its cause, and our false alarms, one a paragraph."""
    missed = [f"MISSED {row.function}: {row.fault}" for row in faulty if row.tool == OURS and not row.accused]
    unnamed = [
        f"UNNAMED {row.function}: {row.fault}\n{row.said}"
        for row in faulty
        if row.tool == OURS and row.accused and not row.named
    ]
    accused = [
        f"ACCUSED {row.function} in {row.dtype} at {row.shape}\n{row.said}"
        for row in right
        if row.tool == OURS and row.accused
    ]
    return [*missed, *unnamed, *accused]
