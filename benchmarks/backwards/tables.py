"""The tables: what each tool caught, named and accused, and how long it took."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from benchmarks.backwards.survey import DTYPES, Row


def tables(rows: Sequence[Row]) -> str:
    """Return the tables of faults and of right functions, and what was missed and accused by our check."""
    faulty, right = [row for row in rows if row.fault], [row for row in rows if not row.fault]
    parts = [_faults(faulty)] if faulty else []
    parts += [_kinds(faulty)] if faulty else []
    parts += [_right(right)] if right else []
    return "\n\n".join([*parts, *_told(faulty, right)])


def _tools(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(row.tool for row in rows))


def _faults(rows: Sequence[Row]) -> str:
    lines = ["| tool | faults | caught | cause named right | median s | longest s |", "|---|---|---|---|---|---|"]
    for tool in _tools(rows):
        own = [row for row in rows if row.tool == tool]
        seconds = [row.seconds for row in own]
        named = str(sum(row.named for row in own)) if tool == "corenet_torch.check" else "–"
        caught = sum(row.accused for row in own)
        lines.append(f"| {tool} | {len(own)} | {caught} | {named} | {median(seconds):.2f} | {max(seconds):.2f} |")
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
    ours = "corenet_torch.check"
    missed = [f"MISSED {row.function}: {row.fault}" for row in faulty if row.tool == ours and not row.accused]
    unnamed = [
        f"UNNAMED {row.function}: {row.fault}\n{row.said}"
        for row in faulty
        if row.tool == ours and row.accused and not row.named
    ]
    accused = [
        f"ACCUSED {row.function} in {row.dtype} at {row.shape}\n{row.said}"
        for row in right
        if row.tool == ours and row.accused
    ]
    return [*missed, *unnamed, *accused]
