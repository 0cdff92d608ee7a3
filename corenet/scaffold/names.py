"""The names in a new plugin: its package, its component, its class."""

from __future__ import annotations

import re
import sys
from importlib.util import find_spec
from keyword import iskeyword

from corenet.errors import ConfigError
from corenet.registry.discovery import builtin_plugin
from corenet.registry.distributions import DECLARED_GROUPS, plugin_distributions
from corenet.registry.registry import Registry
from corenet.registry.spec import Kind
from corenet.registry.targets import article

SUMMARIES: dict[Kind, str] = {
    "module": "Swish, y = x · σ(x)",
    "loss": "Huber loss, d² / 2 near the target and δ (|d| − δ / 2) far from it",
    "optimizer": "RMSprop, w ← w − η g / (√v + ε)",
    "schedule": "Inverse square root after a warm-up, min(t / w, √(w / t))",
    "metric": "Pinball loss of a quantile q, mean of max(q d, (q − 1) d)",
    "callback": "The end of a training at a goal, s v ≥ s · goal",
    "initializer": "LeCun's normal weights, N(0, g² / fan_in)",
}
FAULTS: dict[Kind, str] = {  # that the kit finds
    "module": "flip a sign in the module",
    "loss": "flip a sign in the loss",
    "optimizer": "flip a sign in the optimizer",
    "schedule": "let the schedule count its own calls",
    "metric": "let reset() of the metric forget nothing",
    "callback": "let begin() of the callback forget nothing",
    "initializer": "seed torch's generator in the initializer",
}
SUFFIXES: dict[Kind, str] = {"loss": "Loss", "schedule": "Schedule"}  # that classes of a kind end with
DERIVED = ("module", "loss")
FIRST = ("module", "loss", "optimizer")  # the kinds that corenet 0.1 knew
LONGEST = 40  # so that no line of the template grows too long
TAKEN = {*sys.stdlib_module_names, "corenet", "tests", "torch"}
USED = {"Any", "ClassVar", "Iterable", "Literal", "Tensor", "Training"}  # what the template's own code imports


def names_for(name: str, kind: Kind, component: str | None = None) -> dict[str, str]:
    """Return what the template's placeholders stand for in the distribution ``name``.

    Raises:
        ConfigError: a name is not valid, or is taken already.

    >>> names = names_for("corenet-soft-sign", "module")
    >>> names["package"], names["component"], names["cls"]
    ('corenet_soft_sign', 'soft_sign', 'SoftSign')
    """
    package = _package(name)
    component = _component(name.removeprefix("corenet-").replace("-", "_") if component is None else component, kind)
    group = next(group for group, each in DECLARED_GROUPS.items() if each == kind)
    return {
        "name": name,
        "kind": kind,
        "article": article(kind),
        "group": group,
        "package": package,
        "component": component,
        "cls": _class(component, kind),
        "summary": SUMMARIES[kind],
        "contents": "its formula, its derivative and its source" if kind in DERIVED else "its formula and its source",
        "fault": FAULTS[kind],
        "oldest": "0.1" if kind in FIRST else "0.2",
    }


def _package(name: str) -> str:
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) or len(name) > LONGEST:
        raise _refusal(
            f"{name!r} is no name for a plugin: it has lower-case letters, digits and single dashes, "
            f"at most {LONGEST}, as corenet-swish",
            name,
        )
    package = name.replace("-", "_")
    if not package.isidentifier() or iskeyword(package) or package in TAKEN:
        raise _refusal(f"{name!r} would make a package that Python cannot import; take corenet-{name}", name)
    if find_spec(package) and name not in {each.name for each in plugin_distributions()}:
        raise _refusal(f"the package {package!r} is installed already and would be hidden; take another name", name)
    return package


def _component(component: str, kind: Kind) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", component) or len(component) > LONGEST:
        raise _refusal(
            f"{component!r} is no name for a component: it has lower-case letters, digits and underscores, "
            f"at most {LONGEST}, as swish; choose one with --component",
            component,
        )
    if any(row.name == component for row in Registry([builtin_plugin()]).components(kind)):
        raise _refusal(f"the {kind} {component!r} is built in; choose another name with --component", component)
    return component


def _class(component: str, kind: Kind) -> str:
    cls = "".join(part.capitalize() for part in component.split("_"))
    suffix = SUFFIXES.get(kind, "")
    if not cls.endswith(suffix):
        cls += suffix
    if iskeyword(cls) or cls in USED:
        raise _refusal(f"a class cannot be called {cls!r} here; choose another name with --component", component)
    return cls


def _refusal(message: str, value: str) -> ConfigError:
    return ConfigError(message, name="name", value=value)
