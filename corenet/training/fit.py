"""Training a model: what may be asked for, and what is refused."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

from corenet.contracts.callback import Callback
from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.contracts.optimizer import Optimizer
from corenet.data import Dataset
from corenet.errors import ConfigError
from corenet.history import History
from corenet.integers import integer, positive_integer
from corenet.paths import path_of
from corenet.training.advice import advise, after, before
from corenet.training.arguments import refuse_other_kinds
from corenet.training.asked_metrics import Asked
from corenet.training.callbacks import Callbacks
from corenet.training.engines.select import EngineName, engine_for
from corenet.training.epoch_metrics import Measures
from corenet.training.going_on.every import EVERY, Every
from corenet.training.learner import Learner
from corenet.training.loop import Training
from corenet.training.ownership import refuse_foreign_optimizer, refuse_forgotten_parameters
from corenet.training.ranks.joining import sharing


def fit(
    model: Module,
    loss: Loss,
    optimizer: Optimizer,
    train: Dataset,
    valid: Dataset | None = None,
    *,
    epochs: int,
    batch_size: int,
    seed: int = 0,
    metrics: Sequence[Asked] | None = None,
    callbacks: Sequence[str | Callback | Any] = (),
    progress: bool | None = None,
    engine: EngineName = "auto",
    micro_batch_size: int | None = None,
    initial_epoch: int = 0,
    checkpoint: str | Path | None = None,
    every: int | str = EVERY,
    keep: int = 2,
    on_non_finite: Literal["stop", "skip"] = "stop",
    distributed: bool = False,
    exchange_every: int = 1,
) -> History:
    """Train ``model`` and return the history: :func:`~corenet.train_step` over shuffled batches.

    The same training as the loop spelled out, after ``torch.manual_seed(seed)``; with the plain engine bit for bit::

        for epoch in range(epochs):
            for input, target in train.batches(batch_size, seed, epoch):
                optimizer.zero_grad()
                loss(model(input), target)
                model.backward(loss.backward())
                optimizer.step()

    Args:
        model, loss, optimizer: what to train, by what, and how; the model ends in training mode.
        train: the data to learn from.
        valid: data to measure on after each epoch; never learnt from.
        epochs: passes over the data, those before ``initial_epoch`` included.
        batch_size: points a step; the last batch of an epoch may be smaller.
        seed: governs the order of the batches and, apart from it, what random layers
            draw. Weights are drawn where the model is made; torch's generator is left as it
            was. It is one for the whole process: two trainings in two threads would share it.
        metrics: what to record after each epoch, on ``train`` and ``valid``: names such as ``"f1"`` (``corenet
            list-components --kind metric`` shows all), a :class:`~corenet.Metric`, functions ``(output, target)``,
            whose second argument is called so, or ``(model, data)``, which return a number. No two may have one name.
            If None, the error rate where there is ``valid`` and the targets are classes. Metrics of classes ask
            ``loss`` what outputs predict, and read the targets of ``valid`` by the coding of those of ``train``. The
            loss on ``valid`` is always recorded.
        callbacks: what is done as the training begins, after each epoch, and as it ends, in this order: names, a
            :class:`~corenet.Callback` such as ``cn.EarlyStopping()``, or any object with its three methods.
        progress: None (or True) shows a bar on a terminal and a few lines elsewhere, False nothing.
        engine: how steps are run. ``"plain"`` is the loop above. ``"replay"`` records the kernels of a step and
            replays them; ``"compiled"`` has the machine's C compiler make functions of them, and runs many steps in one
            call; ``"graph"`` does the like on a CUDA device by CUDA graphs, and is asked for by name only. All give
            the same numbers within the rounding of sums. ``"auto"`` takes the fastest that pays for itself in this many
            steps. What cannot be recorded is trained by the plain step, with a warning if the engine was asked for by
            name and a line in the log ``corenet`` if not; the history's ``engine`` says which ran.
        micro_batch_size: compute the gradients of a batch in pieces of so many points, which takes less memory
            and gives the same step within the rounding of sums. If None, ``"auto"`` cuts batches of more
            than 256 MB, where it finds that the pieces add up.
        initial_epoch: how many of the epochs are done already, as in Keras: ``fit(epochs=3)`` and then
            ``fit(epochs=6, initial_epoch=3)`` is the training of ``fit(epochs=6)``. Random layers go on where the
            first call left them if the second is made with the same seed, and the same optimizer or one that
            :func:`~corenet.load` read from its file; else they draw from a new seed, which ``seed`` and
            ``initial_epoch`` give.
        checkpoint: a folder to save the training in as it goes. Where it has a checkpoint, the training goes on from
            there instead, bit for bit as if it had never stopped (``docs/reliability.md``); so the same program, called
            again, goes on, and after the end gives the same model and history at once. SIGINT and SIGTERM let the step
            be finished and saved; a second one does not wait.
        every: how often to save: a number of epochs, or text such as ``"500 steps"`` or ``"10 minutes"``. It is saved
            at its end, too.
        keep: how many checkpoints stay, the newest.
        on_non_finite: ``"skip"`` leaves out a step whose loss or gradient is infinite or not a number, and counts it
            in the ``skipped`` of its epoch; ``"stop"`` ends the training before that step writes.
        distributed: share each batch out among the processes that ``torchrun --nproc-per-node N script.py`` starts:
            the training of one process within the rounding of sums, whatever N is (``docs/scale.md``). The first
            prints, writes and calls the callbacks that write.
        exchange_every: with ``distributed``, exchange after so many batches, not after each. Until then every process
            steps by its own rows of each batch alone, many steps in one call where they compile; then all go on from
            ``w ← 1/N Σᵣ wᵣ``, the mean over the processes of the weights and of the optimizer's state, as they do at an
            epoch's end. This is local SGD (Stich, *Local SGD Converges Fast and Communicates Little*, ICLR 2019):
            another training for each N, and none that one process does. It needs a loss that is a mean.

    Raises:
        Interrupted: SIGINT or SIGTERM came, and the training is saved; it is a :class:`KeyboardInterrupt`.
        CheckpointError: none of the checkpoints is whole.
        OutputError: ``checkpoint`` cannot be written, or another training writes there.
        CallbackError: a callback raised something; the epochs so far are its ``history``.
        UnknownComponentError: no metric or callback has a name that is given.
        ConfigError: a count is no positive integer, an argument is of another kind, two metrics have one name, the
            pieces of ``micro_batch_size`` do not add up, or there is no C compiler for ``engine="compiled"``, no CUDA
            device for ``engine="graph"``.
        DataError: a metric of classes is asked for, and the targets are no classes.
        StructureError: the optimizer was made for the parameters of another model.
        NonFiniteError: the loss or a gradient became infinite or not a number; the
            weights are those before that step.
        RankError: ``distributed``, and another process has ended, does not answer, or has other weights.

    Whatever ends the training early, Ctrl-C included, has the epochs so far as its ``history``: that of
    ``except KeyboardInterrupt as error`` is ``error.history``, after one that a notebook shows it is
    ``sys.last_value.history``.

    >>> import torch, corenet as cn
    >>> _ = torch.manual_seed(0)
    >>> model = cn.Sequential(cn.Linear(2, 25), cn.ReLU(), cn.Linear(25, 1), cn.Sigmoid())
    >>> optimizer = cn.SGD(model.parameters(), lr=0.5, momentum=0.9)
    >>> train = cn.data.disk(500, seed=0)
    >>> history = fit(model, cn.BCELoss(), optimizer, train, epochs=100, batch_size=50, progress=False)
    >>> history[-1].loss < 0.2
    True
    """
    with sharing(distributed) as world:
        positive_integer("epochs", epochs)
        positive_integer("batch_size", batch_size)
        integer("seed", seed)
        positive_integer("exchange_every", exchange_every)
        if exchange_every > 1 and world is None:
            text = f"exchange_every={exchange_every} is for several processes"
            text += ": start them by torchrun, and give fit distributed=True"
            raise ConfigError(text, name="exchange_every", value=exchange_every)
        if micro_batch_size is not None:
            positive_integer("micro_batch_size", micro_batch_size)
        refuse_outside("initial_epoch", initial_epoch, epochs)
        if not isinstance(on_non_finite, str) or on_non_finite not in ("stop", "skip"):
            text = f"on_non_finite must be 'stop' or 'skip', not {on_non_finite!r:.80}"
            raise ConfigError(text, name="on_non_finite", value=on_non_finite)
        positive_integer("keep", keep)
        folder = None if checkpoint is None else path_of("fit(checkpoint=...)", checkpoint)
        often = Every.of(every)
        refuse_wrong(model, loss, optimizer, train, valid)
        measures = Measures(metrics, loss, train, valid)
        called = Callbacks(callbacks, but_writers=world is not None and not world.is_first)
        learner, length = Learner(model, loss, optimizer), range(initial_epoch, epochs)
        advise(before(model, loss, train))
        begin(model)
        if world is not None or folder is not None or on_non_finite == "skip":
            from corenet.training.fit_steadily import Saving, Settings, fit_steadily  # few do, and it leads to files
            from corenet.training.ranks.fit_on_ranks import fit_on_ranks

            history = (fit_steadily if world is None else partial(fit_on_ranks, world))(
                learner,
                train,
                valid,
                length,
                measures=measures,
                callbacks=called,
                settings=Settings(
                    batch_size, seed, engine, micro_batch_size, on_non_finite == "skip", int(exchange_every)
                ),
                saving=None if folder is None else Saving(folder, often, keep),
                progress=progress,
            )
        else:
            running = engine_for(
                engine,
                learner,
                train,
                epochs=len(length),
                batch_size=batch_size,
                micro_batch_size=micro_batch_size,
            )
            training = Training(running, train, batch_size, seed, measures, called)
            history = training.run(length, progress)
        advise(after(model, loss, train, history, callbacks))
    return history


def begin(model: Module) -> None:
    """Let a model be as every training begins."""
    model.forget()  # a forward whose loss was refused leaves something saved
    model.train()


def refuse_wrong(model: Module, loss: Loss, optimizer: Optimizer, train: Dataset, valid: Dataset | None) -> None:
    """Refuse arguments of other kinds, and the optimizer of another model."""
    refuse_other_kinds("fit", (model, Module), (loss, Loss), (optimizer, Optimizer), (train, Dataset))
    if valid is not None:
        refuse_other_kinds("fit", (valid, Dataset))
    refuse_foreign_optimizer(model, loss, optimizer)
    refuse_forgotten_parameters(model, loss, optimizer)


def refuse_outside(name: str, epoch: int, epochs: int) -> None:
    """Refuse an epoch that is none from 0 to the last."""
    integer(name, epoch)
    if not 0 <= epoch <= epochs:
        raise ConfigError(f"{name} must lie between 0 and epochs, {epochs}, not {epoch}", name=name, value=epoch)
