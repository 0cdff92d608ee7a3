"""What every module promises besides its gradients: order of calls, modes, state and copies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from corenet.contracts.module import Module
from corenet.contracts.saved import has_saved
from corenet.contracts.several import each_of
from corenet.errors import BackwardError
from corenet.registry.collect import reason_of
from corenet.testing.checks.check import Checks
from corenet.testing.support.built_again import FROM, built_again
from corenet.testing.support.built_again import KEEP as KEEP_ARGUMENTS
from corenet.testing.support.compare import difference
from corenet.testing.support.copiers import copiers
from corenet.testing.support.forward_backward import Upstreams, drawn_like, forward_backward
from corenet.testing.support.memory_layout import share_memory
from corenet.testing.support.reachable_tensors import plain_tensors, reachable_tensors
from corenet.testing.support.trial import Trial, seeded
from corenet.testing.support.violation import NotApplicable, Violation, must_refuse

MODULE_CONTRACT_CHECKS = Checks("module")
FUNCTION = (
    "runs",
    "repeats",
    "new_numbers",
    "arguments_unchanged",
)  # without these, other checks find the same mistake again
SAVE = "use save() and saved(), in every forward and every backward"
KEEP = "use self.save(...) for what backward needs: a second forward would silently overwrite anything else"


@MODULE_CONTRACT_CHECKS.add(since="0.1")
def order_of_calls(trial: Trial) -> None:
    """Backward without a forward, backward twice, and a second training forward raise BackwardError."""
    module, inputs = trial.build(), trial.inputs()
    upstreams = drawn_like(module(*inputs))
    if not _saves(module):
        _must_need_nothing(trial, module, upstreams)
        raise NotApplicable("it saves nothing")
    if not _repeats_itself(module):
        must_refuse("a second forward in training mode", lambda: module(*inputs), BackwardError, SAVE)
    module.forget()
    must_refuse("backward without a forward", lambda: module.backward(*upstreams), BackwardError, SAVE)
    module(*inputs)
    module.backward(*upstreams)
    must_refuse("backward twice", lambda: module.backward(*upstreams), BackwardError, SAVE)


@MODULE_CONTRACT_CHECKS.add(since="0.1")
def keeps_only_what_it_saves(trial: Trial) -> None:
    """A forward keeps no tensors except those given to save(), and buffers."""
    module = trial.build()
    before = plain_tensors(module)
    for mode in (module.train, module.eval):
        mode()(*trial.inputs())
        new = [name for name, tensor in plain_tensors(module).items() if tensor is not before.get(name)]
        if new:
            raise Violation(f"forward keeps a tensor in {', '.join(new)}", KEEP)


@MODULE_CONTRACT_CHECKS.add(since="0.1")
def finds_every_tensor(trial: Trial) -> None:
    """Every floating-point tensor in it is a Parameter or a Buffer, found by parameters() or state_dict()."""
    module = trial.build()
    plain = [name for name, tensor in plain_tensors(module).items() if tensor.is_floating_point()]
    if plain:
        raise Violation(
            f"{', '.join(plain)} is a plain tensor: neither trained, nor saved, nor moved by to()",
            "assign cn.Parameter(...) if it is trained, cn.Buffer(...) if not",
        )
    found = {id(tensor) for _, tensor in module.named_tensors()}
    reachable = reachable_tensors(module).items()
    lost = [name for name, tensor in reachable if id(tensor) not in found and tensor.is_floating_point()]
    if lost:
        raise Violation(
            f"{', '.join(lost)} is found by neither parameters() nor state_dict()",
            "assign it, or the module it is in, to an attribute of a module, directly or in a list, tuple or dict",
        )


@MODULE_CONTRACT_CHECKS.add(since="0.1", after=FUNCTION)
def evaluation(trial: Trial) -> None:
    """In evaluation mode the output is the same each time, nothing is saved, and no parameter or buffer changes."""
    module, inputs = trial.build(), trial.inputs()
    module.eval()
    before = module.state_dict()
    outputs = each_of(module(*inputs))
    first = tuple(output.clone() for output in outputs)
    module(*trial.inputs(seed=1))
    if not all(map(torch.equal, outputs, first)):
        raise Violation("a second forward changes the output of the first", "return a new tensor each time")
    for one, other in zip(first, each_of(module(*inputs)), strict=True):
        if not torch.equal(one, other):
            gap = (one.double() - other.double()).abs().max().item()
            raise Violation(f"in evaluation mode two outputs differ by {gap:.2g}", _why_they_differ(module, inputs))
    if _saves(module):
        raise Violation(
            "in evaluation mode forward saves tensors", "use self.save(...), which keeps nothing in evaluation mode"
        )
    moved = [name for name, tensor in module.state_dict().items() if not torch.equal(tensor, before[name])]
    if moved:
        raise Violation(f"in evaluation mode forward changes {', '.join(moved)}")


# State.


@MODULE_CONTRACT_CHECKS.add(since="0.1", after=(*FUNCTION, "evaluation"))
def state_round_trip(trial: Trial) -> None:
    """A module into which state_dict() is loaded computes the same, bit for bit."""
    module, other = trial.build(), replace(trial, seed=trial.seed + 1).build()
    forward_backward(module, trial.inputs())
    other.load_state_dict({name: torch.zeros_like(tensor) for name, tensor in other.state_dict().items()})
    other.load_state_dict(module.state_dict())
    meaning = "something that the output depends on is neither a Parameter nor a Buffer"
    pairs = zip(each_of(other.eval()(*trial.inputs())), each_of(module.eval()(*trial.inputs())), strict=True)
    for found, expected in pairs:
        if wrong := difference(found, expected, 0):
            raise Violation(f"after load_state_dict(state_dict()) the output {wrong}", meaning)
    if wrong := forward_backward(other, trial.inputs()).differs(forward_backward(module, trial.inputs()), 0):
        raise Violation(f"after load_state_dict(state_dict()), in training {wrong}", meaning)


@MODULE_CONTRACT_CHECKS.add(since="0.1", after=FUNCTION)
def copies(trial: Trial) -> None:
    """A deep copy and a pickled copy compute the same, and share no tensor with the original."""
    module = trial.build()
    straight = forward_backward(module, trial.inputs())
    for how, duplicate in copiers(module).items():
        with seeded(trial.seed + 1):  # another seed, so that a copy with newly drawn weights differs
            other = duplicate(trial.build())
        if wrong := forward_backward(other, trial.inputs()).differs(straight, 0):
            raise Violation(f"for {how}, {wrong}")
        original = trial.build()
        theirs = dict(duplicate(original).named_tensors())
        for name, ours in original.named_tensors():
            if share_memory(ours, theirs[name]):
                raise Violation(f"{how} shares {name} with the original")


@MODULE_CONTRACT_CHECKS.add(since="0.2", after=FUNCTION)
def rebuilt(trial: Trial) -> None:
    """Built again from the arguments that it keeps, and filled with its state, it computes the same."""
    module, inputs = trial.build(), trial.inputs()
    again = built_again(module, trial.seed)
    if wrong := forward_backward(again, inputs).differs(forward_backward(module, inputs), 0):
        raise Violation(f"{FROM} {wrong}", KEEP_ARGUMENTS)


def _why_they_differ(module: Module, inputs: Sequence[Tensor]) -> str:
    outputs = []
    for _ in range(2):
        with seeded(0):
            outputs.append([each.clone() for each in each_of(module(*inputs))])
    if all(map(torch.equal, *outputs)):
        return "forward draws random numbers in evaluation mode too: draw only if self.training"
    return "a forward changes something that the next one reads"


def _saves(module: Module) -> bool:
    return any(has_saved(each) for _, each in module.named_modules())


def _repeats_itself(module: Module) -> bool:
    """Tell whether all that saves may run several times before its backward, as what a container repeats."""
    return all(each._is_repeatable for _, each in module.named_modules() if has_saved(each))


def _must_need_nothing(trial: Trial, module: Module, upstreams: Upstreams) -> None:
    """Raise unless backward is the same after a forward, after none, and after one of another input."""
    expected = module.backward(*upstreams)
    for before in ("without a forward", "after another forward"):
        other = trial.build()
        if before == "after another forward":
            other(*trial.inputs(seed=1))
        try:
            found = other.backward(*upstreams)
        except Exception as error:
            raise Violation(f"{before} backward raises {reason_of(error)}", KEEP) from error
        if not all(a is b or torch.equal(a, b) for a, b in zip(each_of(found), each_of(expected), strict=True)):
            raise Violation(f"{before} backward returns another gradient, though nothing is saved", KEEP)
