"""What comes of one file: loaded, refused as promised, or a finding."""

from __future__ import annotations

import resource
import signal
import traceback
import warnings
from pathlib import Path

import corenet as cn

SLACK = 48 * 2**10  # KiB that the peak may rise beyond twice the file: the interpreter's own

LONGEST = 20  # seconds: of a file of some KiB, on a machine that does other work


class Judge:
    """Loads files, all of one path, and says what came of each."""

    def __init__(self, path: Path) -> None:
        self._path = path
        signal.signal(signal.SIGALRM, _late)
        self._model = cn.Sequential(cn.Linear(2, 1))

    def __call__(self, content: bytes) -> str:
        """Return ``loaded``, ``refused`` or ``FINDING`` with what it was."""
        self._path.write_bytes(content)
        peak = _peak()
        signal.setitimer(signal.ITIMER_REAL, LONGEST)
        outcomes = {self._one(each) for each in (cn.load, cn.load_state, self._fill)}
        signal.setitimer(signal.ITIMER_REAL, 0)
        if _peak() - peak > 2 * len(content) // 2**10 + SLACK:
            return f"FINDING memory: {(_peak() - peak) // 2**10} MiB more for {len(content)} bytes"
        bad = [each for each in outcomes if each.startswith("FINDING")]
        return bad[0] if bad else "loaded" if "loaded" in outcomes else "refused"

    def _fill(self, path: Path) -> None:
        before = {name: each.clone() for name, each in self._model.state_dict().items()}
        try:
            cn.load(path, self._model)
        except BaseException:
            now = self._model.state_dict()
            assert all((before[name] == now[name]).all() for name in before), "the model was changed by a refusal"
            raise
        self._model = cn.Sequential(cn.Linear(2, 1))

    def _one(self, call: object) -> str:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                warnings.simplefilter("ignore", cn.CheckpointWarning)
                call(self._path)  # type: ignore[operator]
        except (cn.CheckpointError, cn.OutputError, cn.StructureError, cn.ShapeError, cn.DTypeError) as error:
            return "refused" if _is_plain(str(error)) else f"FINDING message: {str(error)[:300]!r}"
        except Exception as error:  # noqa: BLE001 - which is what is looked for
            where = traceback.extract_tb(error.__traceback__)[-1]
            return (
                f"FINDING {type(error).__name__} at {where.filename.rpartition('/')[2]}:{where.lineno}: {error!s:.200}"
            )
        return "loaded"


def _late(*_: object) -> None:
    raise TimeoutError


def _is_plain(text: str) -> bool:
    return len(text) < 1000 and text.replace("\u00a0", " ").isprintable()


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
