"""A file whose modules were made with other settings is read with a warning that names them."""

import random
import warnings

import pytest
import torch

import corenet as cn
from corenet.checkpoint.settings import settings_of


class Shift(cn.Module):
    """y = x + by, made with settings of many types."""

    def __init__(self, by, how="there", sizes=(1, 2), fill_init=0.0, words=None, table=None):
        self._by, self.how, self.sizes, self.fill_init, self.words, self.table = by, how, sizes, fill_init, words, table

    @property
    def by(self):
        raise RuntimeError("it is asked for nowhere")


class Net(cn.Module):
    """A model of no component, whose parts are some."""

    def __init__(self, width, p, eps=1e-5):
        self.inner = cn.Sequential(cn.Linear(2, width), cn.Dropout(p))
        self.eps = eps


def told(path, model):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        cn.load(path, model)
    assert all(each.category is cn.CheckpointWarning and each.filename == __file__ for each in caught)
    return [str(each.message) for each in caught]


STAYS = "; those here stay: if that is not meant, make the model with those of the file"


def test_each_setting_that_differs_is_named_with_both_values_and_the_numbers_are_read(path):
    one, other = sorted(random.sample(range(1, 99), 2))
    saved, filled = Net(3, one / 100, eps=1e-3), Net(3, other / 100)
    cn.save(path, saved)
    whole = "the whole, Net, has eps=0.001 there and 1e-05 here"
    inner = f"inner.1, Dropout, has p={one / 100} there and {other / 100} here"
    assert told(path, filled) == [f"{path} was saved with other settings: {whole}; {inner}{STAYS}"]
    assert torch.equal(filled.inner[0].weight, saved.inner[0].weight)
    assert filled.inner[1].p == other / 100


def test_of_many_settings_the_first_are_named_and_the_rest_counted(path):
    cn.save(path, cn.Sequential(*[cn.Dropout(0.1) for _ in range(5)]))
    (said,) = told(path, cn.Sequential(*[cn.Dropout(0.2) for _ in range(5)]))
    assert said.count("p=0.1 there and 0.2 here") == 3
    assert "; and 2 more;" in said


@pytest.mark.parametrize(
    ("saved", "filled", "named"),
    [
        (Shift(1), Shift(1.0), ""),
        (Shift(1), Shift(2), "by=1 there and 2 here"),
        (Shift(float("nan")), Shift(float("nan")), ""),
        (Shift(float("inf")), Shift(1), "by='inf' there and 1 here"),
        (Shift(1, how="there"), Shift(1, how="here"), "how='there' there and 'here' here"),
        (Shift(1, sizes=(1, 2)), Shift(1, sizes=(1, 3)), "sizes=[1, 2] there and [1, 3] here"),
        (Shift(torch.float32), Shift(torch.float64), "by='float32' there and 'float64' here"),
        (Shift(1, fill_init=1.0), Shift(1, fill_init=2.0), ""),
        (Shift(1, table=torch.zeros(2)), Shift(1, table=torch.ones(2)), ""),
        (Shift(1, words=["word"] * 10_000), Shift(1, words=["other"] * 10_000), ""),
        (Shift(lambda x: x), Shift(lambda x: -x), ""),
    ],
)
def test_settings_are_numbers_texts_and_the_like_but_not_how_weights_begin(saved, filled, named, path):
    cn.save(path, cn.Sequential(saved))
    said = "".join(told(path, cn.Sequential(filled)))
    assert (f"0, Shift, has {named}{STAYS}" in said) if named else said == ""


def test_an_initializer_is_of_no_account(path):
    cn.save(path, cn.Linear(2, 1, init="zeros"))
    assert told(path, cn.Linear(2, 1, init=cn.get("initializer", "he_normal")())) == []
    assert settings_of(cn.Linear(2, 1, init="zeros")) == {"": {"in_features": 2, "out_features": 1, "bias": True}}


def test_where_the_warning_is_an_error_nothing_is_changed(path):
    model = Net(3, 0.2)
    cn.save(path, Net(3, 0.1))
    before = model.state_dict()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(cn.CheckpointWarning):
            cn.load(path, model)
    torch.testing.assert_close(model.state_dict(), before, rtol=0, atol=0)


@pytest.mark.parametrize("record", [3, {"": 3}, {"0": []}])
def test_a_record_of_settings_that_is_damaged_is_refused(record, path, monkeypatch):
    monkeypatch.setattr("corenet.checkpoint.saving.settings_of", lambda model: record)
    cn.save(path, cn.ReLU())
    with pytest.raises(cn.CheckpointError, match=r"settings.* is .*, not dict"):
        cn.load(path, cn.ReLU())
