"""How a process becomes one of several ranks, and how it ends with them."""

from __future__ import annotations

import os
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from importlib import import_module
from itertools import count
from typing import Any

import torch
import torch.distributed as dist
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.rendezvous import rendezvous

from corenet.errors import AdviceWarning, CheckpointWarning, ConfigError, EngineWarning, RankError
from corenet.interrupted import Interrupted
from corenet.training.going_on.interruptions import noting_signals
from corenet.training.ranks.quiet import is_marked, quieted
from corenet.training.ranks.roll_call import RollCall
from corenet.training.ranks.world import World

SETTINGS = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")  # what torchrun sets, and others that start ranks
TIMEOUT, SECONDS = "CORENET_RANK_TIMEOUT", 300.0
HOW = "start it by torchrun --nproc-per-node 2 script.py"


class _Joined:
    world: World | None = None
    numbers = count()


def is_launched() -> bool:
    """Tell whether this process was started as one of several ranks."""
    return all(os.environ.get(name) for name in SETTINGS)


def world_of_now() -> World | None:
    """Return the ranks that this process has joined, None if it is by itself."""
    return _Joined.world


@contextmanager
def joined() -> Iterator[World]:
    """Be one of the ranks that torchrun started; whatever ends one of them ends all.

    Within another such block this is the same one.

    Raises:
        ConfigError: this process was not started as one of several, or there is no backend for them.
        RankError: another rank does not come, or has ended.
    """
    if _Joined.world is not None:
        yield _Joined.world
        return
    _refuse_without_torchrun()
    with noting_signals() as noted:
        world = _join(noted)
        try:
            yield world
        except BaseException as error:
            _end_with(world, error)
            raise
        finally:
            _Joined.world = None
            dist.destroy_process_group()
    if noted.signal is not None and world.agreed.signal is None:  # it came when nobody looked any more
        signal.raise_signal(noted.signal)


@contextmanager
def sharing(distributed: object) -> Iterator[World | None]:
    """Be one of the ranks if ``distributed``, with no warnings of corenet's in any but the first; else do nothing.

    Raises:
        ConfigError, RankError: as :func:`joined`.
    """
    if not isinstance(distributed, bool):
        text = f"distributed must be True or False, not {distributed!r:.80}; torchrun says how many processes there are"
        raise ConfigError(text, name="distributed", value=distributed)
    if not distributed:
        yield None
        return
    with joined() as world, warnings.catch_warnings():
        for kind in () if world.is_first else (AdviceWarning, CheckpointWarning, EngineWarning):
            warnings.simplefilter("ignore", kind)
        yield world


def _refuse_without_torchrun() -> None:
    if not is_launched():
        missing = ", ".join(name for name in SETTINGS if not os.environ.get(name))
        text = f"distributed: {missing} not set, so this process is no rank; {HOW}"
        raise ConfigError(text, name="distributed")
    if not dist.is_available() or not dist.is_gloo_available():
        raise ConfigError("distributed: this build of torch has no gloo, by which ranks talk", name="distributed")
    if dist.is_initialized():
        text = "torch.distributed is initialised already; leave init_process_group to corenet"
        raise ConfigError(f"distributed: {text}", name="distributed")


def _join(noted: Any) -> World:
    import_module("torch.distributed.nn.functional")  # later, its defaults would keep the group, and threads, for ever
    seconds = _timeout()
    wait = timedelta(seconds=seconds)
    try:
        store, rank, size = _store(seconds)
        own = PrefixStore(f"corenet {next(_Joined.numbers)}", store)
        if torch.cuda.is_available():
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", rank)) % torch.cuda.device_count())
        has_nccl = torch.cuda.is_available() and dist.is_nccl_available()
        backends = "cpu:gloo,cuda:nccl" if has_nccl else "gloo"
        dist.init_process_group(backends, store=own, rank=rank, world_size=size, timeout=wait)
        dist.all_reduce(torch.zeros(1))  # no rank goes on, and maybe ends, while another one still connects to it
    except (RuntimeError, ValueError) as error:
        text = f"the ranks did not find each other within {seconds:g} seconds ({TIMEOUT}): {_first_line(error)}"
        raise RankError(text) from error
    world = _Joined.world = World(rank, size, RollCall(own, rank, size, seconds), noted)
    return world


@cache
def _store(seconds: float) -> tuple[Any, int, int]:
    """Return the store of all ranks, the number of this one, and how many there are; one for the whole process."""
    found: tuple[Any, int, int] = next(rendezvous("env://", timeout=timedelta(seconds=seconds)))
    return found


def _timeout() -> float:
    text = os.environ.get(TIMEOUT, str(SECONDS))
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 1e6:
        raise ConfigError(f"{TIMEOUT} must be a number of seconds, not {text!r:.80}", name=TIMEOUT, value=text)
    return seconds


def _end_with(world: World, error: BaseException) -> None:
    """Let the others know why this rank ends, and be quiet of it if another one tells."""
    kind = "" if isinstance(error, RankError) else f"{type(error).__name__}: "
    if isinstance(error, Interrupted) and not world.is_first:  # every rank is, and the first tells where it was saved
        quieted(error)
    if not is_marked(error) and not world.roll_call.ends(f"{kind}{_first_line(error)}"):
        quieted(error)


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0][:500]
