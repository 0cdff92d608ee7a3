"""The peak of resident memory: 12 layers of 1024 at batch 8192, each contestant alone on the machine."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.drawing import draw
from benchmarks.labels import label_of
from benchmarks.problem import Settings
from benchmarks.process import MissingLibraryError, Process
from benchmarks.race import check
from benchmarks.reference import Reference, reference
from benchmarks.report import Report
from benchmarks.row import Row

CONTESTANTS = ("torch_eager", "torch_compile", "jax_scan", "corenet_plain", "corenet_fit")
SETTINGS = Settings(widths=(1024,) * 13, batch_size=8192, points=8192, epochs=2, threads=2)
NOTE = "Peak MB is of the whole process, library and data included."


def run(seconds: float, device: str, settings: Settings = SETTINGS) -> Report:
    """Train the few steps that compare the weights; ``seconds`` cannot make that shorter.

    Nothing is timed: contestants that do not take turns meet different neighbours.
    """
    report = Report("memory", "Memory of a large step", notes=[NOTE])
    problem = draw(settings)
    rows = report.races[settings.name] = [Row(name, settings.name, threads=settings.threads) for name in CONTESTANTS]
    with TemporaryDirectory() as folder:
        path = Path(folder, "problem.npz")
        problem.write(path)
        expected = reference(problem, path)
        for row in rows:
            try:
                report.measured[row.contestant] = _alone(row, settings, path, expected, device)
            except MissingLibraryError as error:
                row.skipped = str(error)
    report.notes += [_table(report), _ratio(report)]
    return report


def _alone(row: Row, settings: Settings, path: Path, expected: Reference, device: str) -> dict[str, int]:
    with Process(row.contestant, settings.threads, device) as process:
        before = process.memory()["peak"]
        check(process, settings, path, expected, row)
        row.peak_bytes = process.memory()["peak"]
    return {"peak_bytes": row.peak_bytes, "peak_bytes_beyond_import": row.peak_bytes - before}


def _table(report: Report) -> str:
    lines = ["| | peak MB | beyond the import MB |", "| --- | ---: | ---: |"]
    for name, found in report.measured.items():
        lines.append(
            f"| {label_of(name)} | {found['peak_bytes'] / 1e6:.0f} | {found['peak_bytes_beyond_import'] / 1e6:.0f} |"
        )
    return "\n".join(lines)


def _ratio(report: Report) -> str:
    own, peer = report.measured["corenet_fit"], report.measured["torch_eager"]
    whole = own["peak_bytes"] / peer["peak_bytes"]
    beyond = own["peak_bytes_beyond_import"] / peer["peak_bytes_beyond_import"]
    return f"corenet fit peaks at {whole:.2f} of PyTorch eager, {beyond:.2f} beyond what the import takes."
