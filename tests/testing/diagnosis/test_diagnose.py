"""Each pattern of a wrong gradient is told from the others."""

from importlib import import_module

import pytest
import torch

import corenet as cn
from corenet.testing.diagnosis.diagnose import PATTERNS, code_of, diagnose
from corenet.testing.diagnosis.diagnosis import Diagnosis
from corenet.testing.diagnosis.evidence import Evidence, close, near
from corenet.testing.gradcheck.gradcheck import examine

diagnose_module = import_module("corenet.testing.diagnosis.diagnose")


def draw(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


NUMERIC, INPUT, UPSTREAM = draw(5, 3), draw(5, 3, seed=1), draw(5, 3, seed=2)
ROWS = torch.arange(1.0, 6.0, dtype=torch.float64)[:, None]
SOME = torch.tensor([[1, 1, 0], [1, 0, 1], [0, 1, 1], [1, 1, 0], [1, 0, 1]])  # on no side of any threshold


def evidence(ours, numeric=NUMERIC, name="input", **others):
    fields = {"upstream": UPSTREAM, "input": INPUT, "output": draw(5, 3, seed=3), "value": INPUT, **others}
    return Evidence(name, ours, numeric, **fields)


def told(evidence):
    found = diagnose(evidence)
    return found.text if found else ""


def test_a_pattern_that_stumbles_leaves_the_word_to_the_next(monkeypatch):
    def stumbles(evidence):
        raise IndexError("of a shape that nobody thought of")

    monkeypatch.setattr(diagnose_module, "PATTERNS", ((stumbles, "it stumbles"), *PATTERNS))
    assert told(evidence(-NUMERIC)).startswith("the sign is wrong")


@pytest.mark.parametrize("wrong", [lambda each: each.sign(), lambda each: each.flip(0), lambda each: each.clamp(-1, 1)])
def test_of_three_numbers_little_is_told(wrong):
    few, many = (draw(count, seed=5) * 3 for count in (3, 12))
    others = {"input": few, "value": few, "output": few, "upstream": draw(3, seed=6)}
    assert told(evidence(wrong(many), many, **{**others, "input": many, "value": many}))
    found = told(evidence(wrong(few), few, **others))
    assert found == "" or found.startswith("reversed")


def test_what_is_not_finite_is_like_nothing():
    assert not near(torch.ones(3), torch.tensor([1.0, 1.0, torch.inf]))


def test_an_output_with_the_digits_of_float32_is_told():
    class Rounded(cn.Tanh):
        def forward(self, input):
            return super().forward(input).float().double()

    report = examine(Rounded(), draw(4, 3))
    assert report.status == "inconclusive"
    assert report.reason.startswith("forward computes in float32")


def test_a_factor_that_is_an_argument_is_named():
    class Dropped(cn.Dropout):
        def backward(self, grad_output):
            return super().backward(grad_output) * (1 - self.p)

    (wrong,) = examine(Dropped(0.2), draw(5, 3)).tensors
    assert "1/(1 − p) may be missing, with p = 0.2" in wrong.diagnosis


def test_an_output_of_fewer_dimensions_is_explained_too():
    class Largest(cn.Module):
        def forward(self, input):
            return input.max(-1).values

        def backward(self, grad_output):
            return grad_output[:, None].expand(-1, 3) / 3

    (wrong,) = examine(Largest(), draw(5, 3)).tensors
    assert wrong.diagnosis.startswith("averaged over dimension 1")


@pytest.mark.parametrize(
    ("ours", "words"),
    [
        (NUMERIC / 0, "not finite: 15 of 15"),
        (0 * NUMERIC, "zero everywhere"),
        (-NUMERIC, "the sign is wrong"),
        (NUMERIC * 5, "1/N missing: ours is 5 times the numeric one (N = 5, the batch size)"),
        (NUMERIC / 5, "divided by N: the loss already averages; ours is 1/5 of the numeric one"),
        (NUMERIC * -5, "1/N missing and the sign is wrong"),
        (NUMERIC * 3, "1/C missing: ours is 3 times the numeric one (C = 3, the features"),
        (NUMERIC / 15, "divided by N·C"),
        (NUMERIC * 2, "a factor 2 too many"),
        (NUMERIC / 2, "a factor 2 is missing"),
        (NUMERIC * 1.25, "ours is 1.25 times the numeric one; drop it, or multiply by 0.8"),
        (UPSTREAM, "grad_output is passed on as it is"),
        (NUMERIC.T, "transposed"),
        (NUMERIC.flatten(), "a reshape is missing"),
        (NUMERIC[:, None] * torch.full((5, 2, 3), 0.5), "must sum over dimension 1"),
        (NUMERIC.sum(0), "summed over dimension 0"),
        (NUMERIC.mean(1, keepdim=True).expand(5, 3), "averaged over dimension 1"),
        (NUMERIC * INPUT, "extra factor input"),
        (NUMERIC / UPSTREAM, "the factor grad_output is missing"),
        (NUMERIC + 0.1 * INPUT, "0.1 times input itself is added: something like weight decay"),
        (NUMERIC + 3, "ours is 3 more than the numeric one everywhere"),
        (NUMERIC - UPSTREAM, "the term grad_output is missing"),
        (NUMERIC + UPSTREAM, "extra term: grad_output is added"),
        (NUMERIC * (INPUT > 0), "ours is zero where input < 0, and must not be"),
        (NUMERIC * torch.where(INPUT > 0, 1, 3), "3 times too large where input < 0"),
        (NUMERIC * torch.where(INPUT.abs() < 0.5, 1, 3), "3 times too large where |input| > 0.5"),
        (NUMERIC * ROWS, "a factor for each sample is missing: the ratio depends on dimension 0 alone"),
        (NUMERIC + ROWS, "off by one number for each line along dimension 1"),
        (NUMERIC + ROWS * UPSTREAM, "off by grad_output times one number for each line along dimension 1"),
        (NUMERIC.flip(0), "reversed"),
        (NUMERIC.roll(1, 1), "shifted: the right numbers, one place off along dimension 1"),
        (NUMERIC.flatten().roll(7).view(5, 3), "permuted"),
        (NUMERIC.abs(), "the sign is lost"),
        (NUMERIC.sign(), "the size is lost"),
        (NUMERIC.clamp(-0.5, 0.5), "clipped at 0.5"),
        (NUMERIC * (1 + 2e-6), "almost right"),
        (NUMERIC + 1e-4 * draw(5, 3, seed=7), "nearly right"),
        (torch.cat([NUMERIC[:4], draw(1, 3, seed=8)]), "wrong only at index 4 (of 0 to 4) of dimension 0"),
        (NUMERIC * SOME, "elements are lost: ours is zero in some of them"),
        (NUMERIC + 2 * torch.eye(5, 3), "right in all but 3 of 15 elements"),
        (draw(5, 3, seed=9), ""),
    ],
)
def test_a_pattern_is_told(ours, words):
    assert words in told(evidence(ours))
    assert bool(told(evidence(ours))) == bool(words)


@pytest.mark.parametrize(
    ("ours", "words"),
    [
        (NUMERIC - 1, "assigned, not accumulated"),
        (NUMERIC + 1, "added once more"),
        (torch.full_like(NUMERIC, -1.0), "overwritten with zero"),
    ],
)
def test_what_becomes_of_the_gradient_before_is_told_of_parameters_alone(ours, words):
    assert words in told(evidence(ours, name="weight"))
    assert words not in told(evidence(ours))


def test_a_mask_that_is_missing_is_told_before_grad_output_that_is_passed_on():
    assert told(evidence(UPSTREAM, UPSTREAM * (INPUT > 0))).endswith("ours must be zero where input < 0")


def test_a_mask_that_is_on_no_side_of_a_threshold_is_missed_where_forward_drops():
    assert "ours must be zero where forward drops an element" in told(evidence(NUMERIC, NUMERIC * SOME))


@pytest.mark.parametrize(("dimension", "which"), [(0, "sample"), (1, "feature")])
def test_what_one_index_does_to_the_output_of_another_may_be_missing(dimension, which):
    parts = draw(5, 3, 5, 3) * UPSTREAM
    own = parts * (torch.eye(5)[:, None, :, None] if dimension == 0 else torch.eye(3)[:, None, :])
    found = told(evidence(own.sum((2, 3)), parts.sum((2, 3)), jacobian=draw(5, 3, 5, 3)))
    assert f"the effect of one {which} on the output of another is missing (dimension {dimension})" in found


def test_what_has_no_effect_has_no_gradient():
    assert "it has no effect on the output" in told(evidence(NUMERIC, 0 * NUMERIC))


def test_a_gradient_in_the_shape_of_the_batch_is_not_summed():
    assert "ours has the shape of the batch" in told(evidence(draw(5, 3, seed=9), draw(3), name="bias", value=draw(3)))


def test_sizes_that_are_equal_are_all_told():
    found = told(evidence(2 * NUMERIC[:2], NUMERIC[:2], input=draw(2, 2), output=draw(2, 4), upstream=draw(2, 4)))
    assert found.startswith("a factor 2 too many")
    assert "or 1/N is missing (N = 2, the batch size or C = 2, the features" in found


def test_of_a_loss_nothing_is_said_about_grad_output():
    assert told(evidence(torch.ones(5, 3), upstream=torch.ones(5, 3))) == ""


def test_elements_without_a_numeric_gradient_are_left_out():
    numeric, ours = NUMERIC.clone(), -NUMERIC
    numeric[0, 0], numeric[1, 1], ours[0, 0] = torch.nan, torch.inf, 7
    assert "sign" in told(evidence(ours, numeric))


def test_the_gradient_of_another_tensor_is_named():
    other = draw(5, 3, seed=5)
    assert told(evidence(other, others={"bias": other})) == "exchanged: this is the gradient of bias"


def test_a_formula_in_the_output_that_is_given_the_input_is_told_and_the_reverse():
    class Tanh(cn.Tanh):
        def forward(self, input):
            self.save(input)
            return input.tanh()

    class Sine(cn.Module):
        def forward(self, input):
            self.save(input.sin())
            return input.sin()

        def backward(self, grad_output):
            return grad_output * self.saved()[0].cos()

    assert "save the output, not the input" in examine(Tanh(), draw(5, 3)).tensors[0].diagnosis
    assert "evaluated at the output" in examine(Sine(), draw(5, 3)).tensors[0].diagnosis


def test_a_report_ends_with_the_meaning_and_the_place():
    class Flipped(cn.Tanh):
        def backward(self, grad_output):
            return -super().backward(grad_output)

    meaning, place = str(examine(Flipped(), draw(5, 3))).splitlines()[-2:]
    assert meaning.strip() == "the sign is wrong: ours is −1 times the numeric one"
    assert place.endswith(": return -super().backward(grad_output)")


@pytest.mark.parametrize("ours", [(), (1,), (3,), (5,), (5, 3), (3, 5), (5, 1), (2, 5, 3), (0, 3)])
@pytest.mark.parametrize("shape", [(), (3,), (5,), (5, 3), (3, 5), (2, 2, 3)])
def test_a_gradient_of_any_shape_is_taken(ours, shape):
    value = draw(*shape)
    told(evidence(draw(*ours, seed=4), draw(*shape, seed=6), value=value))
    told(evidence(draw(*ours, seed=4), draw(*shape, seed=6), name="weight", value=value, others={"bias": draw(3)}))


@pytest.mark.parametrize("ours", [torch.tensor(2.0), torch.zeros(0, 3), torch.ones(1), torch.zeros(2, 0)])
def test_the_smallest_gradients_are_no_trouble(ours):
    told(evidence(ours, ours + 1, input=ours, output=ours, value=ours, upstream=ours))


def test_a_diagnosis_names_its_pattern():
    assert diagnose(evidence(-NUMERIC)) == Diagnosis(
        "scaling.sign", "the sign is wrong: ours is −1 times the numeric one"
    )
    assert diagnose(evidence(NUMERIC.flip(0))).code == "layout.flipped"
    assert diagnose(evidence(draw(5, 3, seed=9))) is None


def test_each_code_is_of_one_pattern():
    codes = [code_of(pattern) for pattern, _ in PATTERNS]
    assert len(set(codes)) == len(codes)


def test_each_meaning_is_one_line_and_another():
    meanings = [meaning for _, meaning in PATTERNS]
    assert len(set(meanings)) == len(meanings)
    assert all("\n" not in meaning for meaning in meanings)


def test_near_is_relative_and_zero_is_near_to_nothing():
    tiny = 1e-30 * NUMERIC
    assert near(tiny * (1 + 1e-7), tiny)
    assert not near(2 * tiny, tiny)
    assert not near(0 * tiny, 0 * tiny)
    assert close(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 3.0])).tolist() == [True, False]
