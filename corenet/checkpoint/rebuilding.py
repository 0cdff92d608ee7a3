"""A model built again from what its file says: components by their names, tried without memory before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import torch
from torch import Tensor

from corenet.checkpoint.arguments import called
from corenet.checkpoint.container import Contents
from corenet.checkpoint.description import Builder
from corenet.checkpoint.document import COMPONENT
from corenet.checkpoint.model_state import set_modes, take_dtypes, tie
from corenet.checkpoint.without_memory import without_memory
from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.contracts.optimizer import Optimizer
from corenet.contracts.tree import Tree
from corenet.errors import CheckpointError, UnknownComponentError
from corenet.registry.registry import registry
from corenet.registry.sanitize import plain

PartT = TypeVar("PartT", bound=Tree[Any])
MadeT = TypeVar("MadeT")


class Rebuilding:
    """Builds what a file holds."""

    def __init__(self, contents: Contents, document: Mapping[str, Any]) -> None:
        self._contents, self._document = contents, document
        self._versions = {each["name"]: each["version"] for each in document["components"] or () if "name" in each}
        self._arguments = contents.tensors("argument.")

    def model(self) -> Module:
        """Return the model, with its numbers and modes.

        Raises:
            CheckpointError: it cannot be built here; the message says why.
        """
        model = self._part(self._document["model"], Module, "model.", self._document["tied"])
        set_modes(model, self._document["frozen"], self._document["evaluating"])
        return model

    def loss(self) -> Loss | None:
        """Return the loss, if one was saved."""
        described = self._document["loss"]
        return None if described is None else self._part(described, Loss, "loss.", {})

    def optimizer(self, model: Module, loss: Loss | None) -> tuple[Optimizer | None, str]:
        """Return the optimizer, without its state yet; or None, and why."""
        head = self._document["optimizer"]
        if "unknown" in head["built"]:
            return None, plain(str(head["built"]["unknown"]))
        named = {f"model.{name}": each for name, each in model.named_tensors()}
        named |= {} if loss is None else {f"loss.{name}": each for name, each in loss.named_tensors()}
        return self._tried(lambda: self._optimizer(head, named)), ""

    def _optimizer(self, head: Mapping[str, Any], named: Mapping[str, Tensor]) -> Optimizer:
        builder = Builder(self._class_without_tensors, self._arguments)
        parameters = [named[name] for name in head["parameters"]]
        groups = [
            {"params": [parameters[place] for place in group["params"]], **builder.arguments(group["own"])}
            for group in head["groups"]
        ]
        cls = self._class("optimizer", head["built"]["optimizer"])
        found: Optimizer = called(cls, (groups,), builder.arguments(head["built"]["arguments"]))
        return found

    def _part(self, described: Mapping[str, Any], kind: type[PartT], prefix: str, ties: dict[str, str]) -> PartT:
        if "unknown" in described:
            why = plain(str(described["unknown"]))
            raise CheckpointError(
                f"{self._contents.path} does not say how its {prefix[:-1]} is built: {why}; "
                "build it yourself and fill it: cn.load(path, model)"
            )
        state = self._contents.tensors(prefix)
        self._try_without_memory(described, kind, ties, state)
        return self._tried(lambda: self._filled(described, kind, ties, state))

    def _filled(
        self, described: Mapping[str, Any], kind: type[PartT], ties: dict[str, str], state: dict[str, Tensor]
    ) -> PartT:
        with torch.random.fork_rng(devices=[]):  # whose numbers are drawn in vain
            part = self._made(Builder(self._class, self._arguments), described, kind, ties)
        take_dtypes(part, state)
        part.load_state_dict(state)
        return part

    def _made(self, builder: Builder, described: Mapping[str, Any], kind: type[PartT], ties: dict[str, str]) -> PartT:
        part = builder.component(described)
        if not isinstance(part, kind):
            raise CheckpointError(f"{self._contents.path} describes {type(part).__name__}, which is no {kind.__name__}")
        tie(part, ties)
        return part

    def _try_without_memory(
        self, described: Mapping[str, Any], kind: type[PartT], ties: dict[str, str], state: dict[str, Tensor]
    ) -> None:
        """Raise if what is described has other tensors than the file: its sizes are not believed before."""
        builder = Builder(self._class, self._arguments)
        with without_memory(len(state)), torch.random.fork_rng(devices=[]):
            made = self._tried(lambda: self._made(builder, described, kind, ties))
            shapes = {name: each.shape for name, each in made.named_tensors()}
            aside = _aside(builder.made, made)
        if aside > sum(each.numel() for each in state.values()):
            raise CheckpointError(f"{self._contents.path} describes far more tensors than it holds")
        if shapes != {name: each.shape for name, each in state.items()}:
            raise CheckpointError(f"{self._contents.path} describes a model of other tensors than it holds")

    def _tried(self, build: Callable[[], MadeT]) -> MadeT:
        try:
            return build()
        except CheckpointError:
            raise
        except Exception as error:
            text = plain(f"{type(error).__name__}: {error}")
            raise CheckpointError(f"{self._contents.path} cannot be built again: {text}") from error

    def _class(self, kind: Any, name: str) -> type:
        """Return the class of a component by its qualified name; anything else is refused."""
        if not isinstance(name, str) or not COMPONENT.fullmatch(name):
            raise CheckpointError(f"{self._contents.path} names a {kind} {plain(str(name))!r}, which is no name")
        try:
            return registry().get(kind, name)
        except UnknownComponentError as error:
            raise CheckpointError(self._missing(kind, name)) from error

    def _class_without_tensors(self, kind: Any, name: str) -> type:
        """Return the class of a part of an optimizer, which is not tried without memory: it has no tensors to try."""
        if kind in ("module", "loss"):
            raise CheckpointError(f"{self._contents.path} describes a {kind} among the values of its optimizer")
        return self._class(kind, name)

    def _missing(self, kind: str, name: str) -> str:
        distribution, version = name.partition(":")[0], self._versions.get(name)
        exact = f"{distribution}=={version}" if version else distribution
        of = f"{distribution} {version or ''}".strip()
        return (
            f"{self._contents.path} needs {kind} {name} of {of}, which is not installed: pip install '{exact}'; "
            "its weights can be read without it: cn.load_state(path)"
        )


def _aside(parts: list[Any], whole: Tree[Any]) -> int:
    """Return how many numbers parts have that are not of the whole: one may be an argument that is only looked at.

    A container may keep copies of what it is given; then as many numbers are in the whole.
    """
    kept = {id(each) for _, each in whole.named_tensors()}
    found = {id(each): each for part in parts if isinstance(part, Tree) for _, each in part.named_tensors()}
    return sum(each.numel() for key, each in found.items() if key not in kept)
