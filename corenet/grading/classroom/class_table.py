"""A class in a table: how the points are spread, what is often misunderstood, which checks fail, who has no grade."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import fmean, median

from corenet.grading.classroom.row import Row
from corenet.registry.sanitize import plain
from corenet.text_table import text_table
from corenet.text_width import cut

WIDTH = 80
BINS = 10
BAR = 40  # cells of the longest bar
SHOWN = 15  # rows of a table of the class

# The title and the hint of a misconception, by its name.
Titles = Mapping[str, tuple[str, str]]


def class_table(rows: Sequence[Row], titles: Titles) -> list[str]:
    """Return the tables of a class as lines of at most 80 cells."""
    parts = [_points(rows), _misconceptions(rows, titles), _checks(rows), _faults(rows), _refusals(rows)]
    return "\n\n".join("\n".join(part) for part in parts if part).splitlines()


def summary(rows: Sequence[Row]) -> dict[str, object]:
    """Return the same in numbers, as JSON has it."""
    students, layers = misconceptions(rows)
    return {
        "submissions": len(rows),
        "with_error": sum(row.error is not None for row in rows),
        "mean": fmean(row.points for row in rows),
        "median": median(row.points for row in rows),
        "out_of": max(row.out_of for row in rows),
        "histogram": histogram(rows),
        "misconceptions": [
            {"misconception": name, "students": count, "layers": layers[name]} for name, count in students.most_common()
        ],
        "failed_checks": dict(failed(rows).most_common()),
    }


def misconceptions(rows: Sequence[Row]) -> tuple[Counter[str], dict[str, list[str]]]:
    """Return how many students have each misconception, and in which layers."""
    students: Counter[str] = Counter()
    layers: dict[str, Counter[str]] = {}
    for row in rows:
        for name, found in row.misconceptions.items():
            students[name] += 1
            layers.setdefault(name, Counter()).update(found)
    return students, {name: [layer for layer, _ in counts.most_common()] for name, counts in layers.items()}


def failed(rows: Sequence[Row]) -> Counter[str]:
    """Return how many of those who were graded in full failed each check, by its id."""
    graded = [row for row in rows if row.error is None]
    return Counter(check.id for row in graded for _, check in row.checks if not check.passed)


def histogram(rows: Sequence[Row]) -> list[int]:
    """Return how many students have each tenth of the points; who has all is in the last.

    >>> histogram([Row("a", "a.py", 0.0, 10.0), Row("b", "b.py", 9.5, 10.0), Row("c", "c.py", 10.0, 10.0)])
    [1, 0, 0, 0, 0, 0, 0, 0, 0, 2]
    """
    counts = [0] * BINS
    for row in rows:
        counts[min(BINS - 1, int(BINS * row.points / row.out_of + 1e-9) if row.out_of else 0)] += 1
    return counts


def _points(rows: Sequence[Row]) -> list[str]:
    found, all_points = summary(rows), max(row.out_of for row in rows)
    counts = histogram(rows)
    begin = (
        f"{len(rows)} submission{'s' * (len(rows) != 1)}: {found['mean']:.1f} of {all_points:g} points in the mean, "
        f"{found['median']:.1f} the median"
    )
    edges = [f"{all_points * edge / BINS:.3g}" for edge in range(BINS + 1)]
    cells = [
        (f"{edges[place]} – {edges[place + 1]}", str(count), _bar(count, max(counts)))
        for place, count in enumerate(counts)
    ]
    return [begin, "", *text_table(("POINTS", "STUDENTS", ""), cells, right={1}, width=WIDTH)]


def _bar(count: int, most: int) -> str:
    return "█" * max(1, round(BAR * count / max(most, BAR))) if count else ""


def _misconceptions(rows: Sequence[Row], titles: Titles) -> list[str]:
    students, layers = misconceptions(rows)
    cells = [
        (str(count), cut(plain(titles.get(name, (name, ""))[0]), 40), ", ".join(map(plain, layers[name])))
        for name, count in students.most_common(SHOWN)
    ]
    return text_table(("STUDENTS", "MISCONCEPTION", "LAYERS"), cells, right={0}, width=WIDTH) if cells else []


def _checks(rows: Sequence[Row]) -> list[str]:
    titles = {check.id: check.title for row in rows for _, check in row.checks}
    cells = [(str(count), plain(name), plain(titles[name])) for name, count in failed(rows).most_common(SHOWN)]
    return text_table(("STUDENTS", "FAILED CHECK", ""), cells, right={0}, width=WIDTH) if cells else []


def _faults(rows: Sequence[Row]) -> list[str]:
    cells = [(cut(plain(row.student), 30), f"{row.points:g}", plain(row.error)) for row in rows if row.error]
    return text_table(("NOT GRADED IN FULL", "POINTS", "REASON"), cells, right={1}, width=WIDTH) if cells else []


def _refusals(rows: Sequence[Row]) -> list[str]:
    cells = [(cut(plain(row.student), 30), plain("; ".join(row.refusals))) for row in rows if row.refusals]
    return text_table(("REFUSED", "WHAT THE SUBMISSION TRIED TO"), cells, width=WIDTH) if cells else []
