"""The loop over epochs of one rank among several."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from corenet.errors import RankError, ShardError
from corenet.history import Epoch, History
from corenet.interrupted import Interrupted
from corenet.streamed_data import Block, StreamedDataset
from corenet.training.engines.engine import Engine
from corenet.training.going_on.checkpoints import Checkpoints
from corenet.training.going_on.interruptions import Noted
from corenet.training.going_on.position import Position
from corenet.training.ranks.quiet import quieted
from corenet.training.ranks.reading import read_by_all
from corenet.training.ranks.sameness import digest_of
from corenet.training.ranks.world import World
from corenet.training.steady_loop import Course, SteadyTraining


class NotWritten(Checkpoints):
    """The checkpoints of a training as those ranks have them that do not write: they read what the first has read."""

    def is_due(self, epochs: int, steps: int) -> bool:
        """Tell that it never is."""
        return False

    def write(
        self, engine: Engine, history: History, position: Position, callbacks: list[Any], epoch_began: Any
    ) -> Path:
        """Leave it to the first rank."""
        return self.folder.path


@dataclass(frozen=True)
class RanksTraining(SteadyTraining):
    """What trains, on what, and by how many: all ranks do the same, and tell each other after each epoch."""

    world: World | None = None

    def _signals(self) -> AbstractContextManager[Noted]:
        """Return the signal that all ranks know of: one that came to a single rank waits until the end of a step."""
        return nullcontext(self._ranks.agreed)

    def _stream(self, train: StreamedDataset, position: Position) -> Iterator[Block]:
        """Yield the blocks that all ranks could read."""
        return read_by_all(super()._stream(train, position), self._ranks)

    def _blocks(self, course: Course) -> Iterator[tuple[Any, Any, Callable[[], Any]]]:
        """Yield what remains of the epoch; where a rank cannot read on, all end once the first has saved it."""
        try:
            yield from super()._blocks(course)
        except ShardError as error:
            self._ranks.gathered("")  # by then it is saved
            if not self._ranks.is_first:
                quieted(error)
            raise

    def _settled(self, record: Epoch) -> Epoch:
        """Return the record of the first rank, which all have in their history.

        Raises:
            RankError: a rank has other weights than the first.
        """
        world = self._ranks
        ranks = self._gathered({"record": asdict(record), "told": world.noted.signal is not None})
        world.agree_on_signal(any(each["told"] for each in ranks))
        return Epoch(**ranks[0]["record"])

    def _is_over(self, is_over: bool) -> bool:
        """Return what the callbacks of the first rank say.

        Raises:
            RankError: a rank has other weights than the first, after its callbacks.
        """
        return bool(self._gathered({"is_over": is_over})[0]["is_over"]) if self.callbacks.names() else False

    def _gathered(self, own: dict[str, Any]) -> list[dict[str, Any]]:
        """Return what each rank tells, and compare the weights of all."""
        own["weights"] = digest_of(self.engine.learner)
        ranks: list[dict[str, Any]] = [json.loads(each) for each in self._ranks.gathered(json.dumps(own))]
        for rank, other in enumerate(ranks):
            if other["weights"] != ranks[0]["weights"]:
                raise RankError(
                    f"rank {rank} has other weights than rank 0: a callback, metric or module did something else "
                    "there, or its processor rounds in another way"
                )
        return ranks

    def _end_if_told(self, course: Course) -> None:
        world = self._ranks
        if world.agreed.signal is None:
            return
        world.gathered("")  # by then the first rank has saved it
        super()._end_if_told(course)
        name, where = signal.Signals(world.agreed.signal).name, course.position.where(self.batch_size)
        text = f"{name}: stopped at {where}, and not saved, for fit was given no checkpoint"
        raise Interrupted(text, signal=world.agreed.signal)

    @property
    def _ranks(self) -> World:
        assert self.world is not None, "it is given"
        return self.world
