"""What this package offers; imported whenever somebody lists components, so it imports no torch."""

from __future__ import annotations

from collections.abc import Iterator

from corenet.registry import ComponentSpec, hookimpl

_CONTAINER = ("container",)


@hookimpl
def corenet_modules() -> Iterator[ComponentSpec]:
    yield ComponentSpec("residual", "corenet_containers.residual:Residual", "y = x + f(x)", tags=_CONTAINER)
    yield ComponentSpec(
        "parallel", "corenet_containers.side_by_side:Parallel", "y₁, …, yₖ = f₁(x), …, fₖ(x)", tags=_CONTAINER
    )
    yield ComponentSpec(
        "branches", "corenet_containers.side_by_side:Branches", "y₁, …, yₖ = f₁(x₁), …, fₖ(xₖ)", tags=_CONTAINER
    )
    yield ComponentSpec("concat", "corenet_containers.joining:Concat", "y = [x₁, …, xₖ]", tags=_CONTAINER)
    yield ComponentSpec("select", "corenet_containers.joining:Select", "y = xᵢ of x₁, …, xₖ", tags=_CONTAINER)
    yield ComponentSpec("repeat", "corenet_containers.repeat:Repeat", "y = f(f(… f(x)))", tags=_CONTAINER)


@hookimpl
def corenet_losses() -> Iterator[ComponentSpec]:
    yield ComponentSpec("joint", "corenet_containers.joint_loss:JointLoss", "Σᵢ wᵢ Lᵢ(xᵢ, tᵢ)", aliases=("joint_loss",))
