"""Everything that the Python code of a step can reach, walked from its objects through the names that it reads."""

from __future__ import annotations

import sys
from abc import ABCMeta, get_cache_token
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

import torch
from torch import Tensor

from corenet.training.engines.recording.code_names import DYNAMIC, MADE, names_in
from corenet.training.engines.recording.code_names import Names as NamesInCode
from corenet.training.engines.recording.known_values import (
    CONSTANT,
    CONTAINERS,
    NOT_OPERATORS,
    WRAPPERS,
    around,
    globals_of,
    in_cells,
    is_derived,
    is_found,
    is_opaque,
    is_read_by_trusted_code,
    is_trusted,
    items,
    module_of,
    operators,
    slots_of,
    wrapped,
)
from corenet.training.engines.recording.unseen import NOWHERE, OwnCode, Unseen, imported_in, name_of, unseen_in
from corenet.training.engines.recording.watches import (
    PLAIN,
    Attributes,
    Items,
    Members,
    Memory,
    Names,
    State,
    Watch,
    state_of,
)

_OF_TENSORS = ("_corenet_mark",)
_NO_ATTRIBUTES = (*PLAIN, *CONSTANT, *CONTAINERS, *WRAPPERS)
MOST = 20_000  # objects: a walk that leads further does not stay with a model


class Reachable:
    """A walk to everything that can be reached.

    ``entries`` are the methods that a step calls; ``ignored`` attributes are of no account. ``names`` are all that the
    code is found to read.
    """

    def __init__(self, entries: Collection[str], ignored: Collection[str]) -> None:
        self.names, self._ignored = set(entries), frozenset(ignored)
        self._roots: list[tuple[object, str]] = []
        self._own_code = OwnCode()

    def add(self, value: object, path: str) -> None:
        """Let the walk start from ``value`` too."""
        self._roots.append((value, path))
        self._own_code.add(value)

    def explore(self) -> tuple[list[Watch], list[Watch], list[Unseen]]:
        """Walk until no new name is read, which tells what attributes matter, or something is that nobody can watch.

        Returns the watches over attributes of the roots and tensors, those over all else, and what nobody can watch.
        """
        known, self._unseen = -1, list[Unseen]()
        while known < len(self.names) and not self._unseen:
            known = len(self.names)
            self._own: list[Watch] = []
            self._members = Members()
            self._shared: list[Watch] = [State("torch's default dtype", torch.get_default_dtype), self._members]
            self.mutable: list[str] = []  # which a trial might change, and nothing would put back
            self.sets: list[str] = []  # what code gives another value
            self.returns: list[str] = []  # other ways to a root
            self._visited: dict[int, object] = {}  # which keeps them, so that no other object gets an id
            self._classes: set[tuple[type, bool]] = set()
            self._waiting = deque((*root, NOWHERE) for root in self._roots)
            self._makes: list[str] = []  # of objects that are new, unless code calls __init__ by its name
            self._makes_again = False
            while self._waiting and not self._unseen:
                self._visit(*self._waiting.popleft())
            self.sets += self._makes if self._makes_again else []
        return self._own, self._shared, self._unseen

    def _visit(self, value: Any, path: str, behind: tuple[str, str]) -> None:
        if id(value) in self._visited:
            self.returns += [path for root, own in self._roots if root is value and own != path]
            return
        if type(value) in PLAIN:
            return
        self._visited[id(value)] = value
        self._behind = self._own_code.left(value, path) if behind is NOWHERE else behind
        if len(self._visited) > MOST:
            self._note(f"more than {MOST} objects, such as {path}")
        elif (name := name_of(value)) is not None:
            self._note(f"{name}, as {path}")
        elif isinstance(value, Tensor):
            self._own.append(Memory(path, value))
            if vars(value).keys() - {*_OF_TENSORS}:
                self._visit_attributes(value, path, _OF_TENSORS)
        elif (state := state_of(value)) is not None:
            self.mutable.append(path)
            self._shared.append(State(path, state))
            self._visit_more(value, path)
        elif isinstance(value, FunctionType):
            self._visit_function(value, path)
        elif isinstance(value, BuiltinFunctionType):
            self._visit_builtin(value, path)
        elif isinstance(value, type):
            self._visit_class(value)
            self._visit_made(value)
        elif isinstance(value, ModuleType):
            if not is_trusted(value.__name__):
                self._visit_names(value.__name__, vars(value), self.names)
        elif isinstance(value, CONTAINERS):
            if not isinstance(value, (tuple, frozenset)):
                self.mutable.append(path)
            self._visit_parts(path, partial(items, value))
            self._visit_more(value, path)
        elif isinstance(value, WRAPPERS):
            self._visit_parts(path, partial(wrapped, value))
            self._visit_more(value, path)
        elif isinstance(value, (*PLAIN, *CONSTANT)):
            self._visit_more(value, path)
        else:
            self._visit_object(value, path)

    def _wait(self, found: Iterable[tuple[object, str]]) -> None:
        self._waiting.extend((value, path, self._behind) for value, path in found)

    def _note(self, path: str) -> None:
        """Note what nobody can watch."""
        self._unseen.append(Unseen(path, *self._behind))

    def _visit_parts(self, path: str, parts: Callable[[], list[Any]]) -> None:
        self._shared.append(Items(path, parts))
        self._wait((part, f"{path}[{place}]") for place, part in enumerate(parts()))

    def _visit_function(self, function: FunctionType, path: str) -> None:
        names = names_in(function.__code__)
        if is_trusted(function.__globals__.get("__name__")):  # a decorator lets its code pass for somebody else's
            self.names |= names.attributes - DYNAMIC - NOT_OPERATORS
            self._wait((each, path) for each in in_cells(function))  # what was handed to trusted code
            return
        self.names |= names.attributes | names.globals & DYNAMIC
        self._visit_parts(path, partial(around, function))
        self._visit_attributes(function, path)
        self._shared.append(Names(function.__module__, function.__globals__, sorted(names.globals)))
        self._wait(globals_of(function, names.globals, path))
        imported = [*self._imported(function, names, path)]
        self._wait((module, f"{module.__name__} in {path}") for module in imported)
        for call in unseen_in(function, names, imported):
            self._note(f"{call} in {path}")
        self.sets += [f"{name} in {path}" for name in sorted(names.sets)]
        self._makes += [f"{name} in {path}" for name in sorted(names.makes)]
        self._makes_again |= names.makes_again

    def _imported(self, function: FunctionType, names: NamesInCode, path: str) -> Iterator[ModuleType]:
        """Yield the modules that a function imports when it is called; those that are not there yet are not seen."""
        for whole in imported_in(function, names):
            if whole not in sys.modules:
                self._note(f"import {whole} in {path}")
            else:
                yield sys.modules[whole]
                yield sys.modules[whole.partition(".")[0]]

    def _visit_builtin(self, function: Any, path: str) -> None:
        owner = function.__self__
        if owner is not None and not isinstance(owner, (ModuleType, type)):
            self._wait([(owner, path)])
        elif not is_trusted(function.__module__ or "builtins"):
            self._note(f"{path}()")

    def _visit_class(self, kind: type, is_called: bool = True) -> None:
        """Visit what objects of a class find in it and in those it inherits from; whether a root is called is known."""
        for each in self._new_classes(kind, False):
            names: Collection[str] = self.names
            if not is_trusted(module_of(each)):
                found = {*filter(is_found, vars(each))} if self._is_dynamic() else self.names
                names = found | operators(each, is_called)
            self._visit_names(each.__qualname__, vars(each), names)
            self._members.add(each.__qualname__, vars(each))
            if isinstance(each, ABCMeta):  # any class may be registered as one of its kind
                self._shared.append(State(f"classes registered with {each.__qualname__}", get_cache_token))

    def _visit_made(self, kind: type) -> None:
        """Visit what is run when code that has a class makes an object of it."""
        if type(kind) is not type:
            self._visit_class(type(kind))
        for each in self._new_classes(kind, True):
            self._visit_names(each.__qualname__, vars(each), MADE)

    def _new_classes(self, kind: type, is_made: bool) -> Iterator[type]:
        for each in kind.__mro__:
            is_new = (each, is_made) not in self._classes
            self._classes.add((each, is_made))
            is_ours = module_of(each).startswith("corenet.") and not is_made
            if is_new and (is_ours or not is_trusted(module_of(each))):
                yield each

    def _visit_names(self, path: str, namespace: Any, names: Collection[str]) -> None:
        found = sorted(namespace.keys() & names)
        if found:
            self._shared.append(Names(path, namespace, found))
        self._wait((namespace[name], f"{path}.{name}") for name in found)

    def _visit_more(self, value: object, path: str) -> None:
        """Visit what an object of a class derived from a known one has beyond that."""
        if is_derived(value):
            self._visit_object(value, path)

    def _visit_object(self, value: object, path: str) -> None:
        slots = slots_of(value)
        if is_opaque(value) or not (hasattr(value, "__dict__") or slots or isinstance(value, _NO_ATTRIBUTES)):
            self._note(path)
            return
        if hasattr(value, "__dict__"):
            self._visit_attributes(value, path, self._ignored)
        if slots:
            self._visit_parts(path, lambda: [getattr(value, name, None) for name in slots])
        self._visit_class(type(value), is_called=not self._is_root(value))

    def _visit_attributes(self, value: Any, path: str, ignored: Collection[str] = ()) -> None:
        """Watch all attributes of an object, and visit those that are read."""
        watches = self._own if self._is_root(value) or isinstance(value, Tensor) else self._shared
        watches.append(Attributes(path, value, ignored))
        attributes = vars(value)
        is_whole = self._is_dynamic() or is_read_by_trusted_code(value)
        read = attributes.keys() - ignored if is_whole else attributes.keys() & self.names - {*ignored}
        self._wait((attributes[name], f"{path}.{name}") for name in sorted(read))

    def _is_root(self, value: object) -> bool:
        return any(root is value for root, _ in self._roots)

    def _is_dynamic(self) -> bool:
        return not DYNAMIC.isdisjoint(self.names)
