"""The experiments of this package, each learnt from for a few epochs; and what they measure."""

from math import log

import corenet as cn
import pytest
import torch
from corenet.experiments import experiment, run
from corenet.experiments.parts import rounds_of

from corenet_sequence import BitsPerCharacter


@pytest.mark.parametrize(("name", "epochs", "most"), [("adding", 5, 0.3), ("sorting", 3, 0.4)])
def test_a_few_epochs_teach_most_places(name: str, epochs: int, most: float) -> None:
    result = run(experiment(f"corenet-sequence:{name}", [f"epochs={epochs}"]), "reported", rounds=1)
    assert result.test_error.mean < most


def test_sums_and_rows_are_what_they_say() -> None:
    adding = experiment("corenet-sequence:adding")
    test = next(rounds_of(adding.recipe, adding.folder)).test
    assert test is not None
    places = 10 ** torch.arange(8)
    one, other = ((digits * places).sum(1) for digits in (test.inputs // 10, test.inputs % 10))
    assert torch.equal(one + other, (test.targets * places).sum(1))


def test_the_text_is_read_in_order_and_its_end_is_kept_for_testing() -> None:
    chosen = experiment("corenet-sequence:characters")
    parts = next(rounds_of(chosen.recipe, chosen.folder))
    assert parts.test is not None
    assert torch.equal(parts.train.inputs[0, 1:], parts.train.targets[0, :-1])
    alphabet = sorted(set((chosen.folder / "the_weir.txt").read_text(encoding="utf-8")))
    assert "".join(alphabet[code] for code in parts.train.inputs[0]) == "Below the village the river is held back"
    ends = "".join(alphabet[code] for row in parts.test.inputs for code in row)
    assert ends not in "".join(alphabet[code] for code in parts.train.inputs[:, 0])
    assert len(parts.test) * 40 > 700


def test_bits_are_the_mean_cross_entropy_of_a_character() -> None:
    data = cn.data.Dataset(torch.randint(5, (7, 4)), torch.randint(5, (7, 4)))
    model = cn.Sequential(cn.get("module", "corenet-sequence:embedding")(5, 4))  # (N, T) -> (N, T, C), C = T
    loss = cn.CrossEntropyLoss()
    expected = torch.nn.functional.cross_entropy(model(data.inputs), data.targets.clamp(max=3)) / log(2)
    measured = BitsPerCharacter()
    measured.reset()
    for part in (slice(0, 3), slice(3, 7)):
        output = model.eval()(data.inputs[part])
        measured.update(loss(output, data.targets[part].clamp(max=3)), data.targets[part])
    assert measured.compute() == pytest.approx(expected.item())
