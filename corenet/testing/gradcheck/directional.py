"""A large gradient in random directions: what a sample of its elements may miss."""

from __future__ import annotations

import torch
from torch import Tensor

from corenet.testing.gradcheck.changes import Changes
from corenet.testing.gradcheck.line import Line, typical
from corenet.testing.gradcheck.report import TensorReport
from corenet.testing.gradcheck.slopes import SAFETY, Slopes

DIRECTIONS = 5
SEED = 3_000_017


def along_directions(
    name: str, changes: Changes, tensor: Tensor, gradients: Tensor, rtol: float = 1e-6, atol: float = 0.0
) -> TensorReport | None:
    """Return how ``gradients``, one for each upstream gradient, agree along random directions ``v``; None if none can.

    Each element of ``v`` is the typical size of the tensor's, with a random sign, so that every element of the
    gradient ``g`` takes part fully: one that is wrong shows wherever it is. ``⟨g, v⟩`` may be off by the error
    of its difference and by ``rtol · |g ∘ v|``; the power is that of a fault in one element of the root mean square.
    """
    directions = _directions(tensor)
    slopes = Slopes(changes, [Line(tensor, 1.0, direction=each) for each in directions])
    terms = torch.stack([(gradients * each).flatten(1) for each in directions])
    along, length = terms.sum(2), terms.square().sum(2).sqrt()
    tolerance = SAFETY * slopes.error + rtol * length + atol * typical(tensor) * tensor.numel() ** 0.5
    comparable = (slopes.error < length) & (length > 0)
    if not comparable.any():
        return None
    element = length / tensor.numel() ** 0.5
    gap = (along - slopes.value).abs().nan_to_num(nan=torch.inf).where(comparable, 0.0)
    wrong = comparable & (gap > tolerance)
    power = ((tolerance + slopes.error) / element).where(comparable, torch.inf).amin().item()
    worst = divmod(int((gap / tolerance).argmax()), gap.shape[1])
    return TensorReport(
        name,
        tuple(tensor.shape),
        checked=int(comparable.any(1).sum()),
        kinks=int((~comparable.any(1)).sum()),
        error=(gap / element)[worst].item(),
        rtol=rtol,
        ours=along[worst].item(),
        numeric=slopes.value[worst].item(),
        power=power,
        status="wrong" if wrong.any() else "agrees",
        how="in random directions",
    )


def _directions(tensor: Tensor) -> list[Tensor]:
    generator = torch.Generator().manual_seed(SEED)  # of its own: the function resets torch's
    signs = (torch.randint(2, tensor.shape, generator=generator) * 2 - 1 for _ in range(DIRECTIONS))
    return [typical(tensor) * sign.to(tensor) for sign in signs]
