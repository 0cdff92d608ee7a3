"""Every experiment that ships is read and can be built; a file that is not one is refused in a line."""

from pathlib import Path

import pytest

import corenet as cn
from corenet.experiments import experiment, experiments
from corenet.experiments.building import build
from corenet.experiments.experiment import parse as parsed
from corenet.experiments.parts import rounds_of

SHIPPED = {each.id: each for each in experiments() if each.distribution == "corenet" and each.why}

GOOD = """
title = "A line"
data = { draw = "disk", points = 20, targets = "unit", normalized = false }
network = { modules = [["linear", 2, 1]] }
loss = "mse"
epochs = 2
batch_size = 10
optimizer = { name = "sgd", lr = 0.1 }
[reported]
test_error = 0.1
"""


def parse(name, text, changes=()):
    return parsed(Path(f"{name}.toml"), text, changes)


def built(recipe):
    return build(recipe, next(rounds_of(recipe, Path())), Path())


def test_the_figures_are_those_of_the_reports():
    assert {name: dict(each.reported) for name, each in SHIPPED.items()} == {
        "000": {"test_error": 0.05},
        "001a": {"train_error": 0.023, "test_error": 0.023},
        "001b": {"train_error": 0.04, "test_error": 0.04},
        "002": {"train_error": 0.007, "test_error": 0.02},
        "003a": {"train_error": 0.032, "test_error": 0.042},
        "003b": {"train_error": 0.035, "test_error": 0.035},
        "004": {},
        "004b": {},
    }


LINES = {  # widths, activations after each layer, loss, targets, epochs, batch, lr, decay per step, momentum
    "000": ([2, 25, 25, 25, 1], "relu relu tanh tanh", "mse", "sign", 100, 100, 0.1, 0.0, 0.9),
    "001a": ([2, 25, 50, 50, 25, 1], "relu relu relu relu tanh", "mse", "sign", 10_000, 1000, 0.015, 1 / 1000, 0.0),
    "001b": ([2, 25, 50, 50, 25, 1], "relu relu relu relu sigmoid", "bce", "unit", 10_000, 1000, 0.05, 1 / 500, 0.0),
    "002": ([2, 25, 25, 25, 2], "relu tanh sigmoid", "mse", "one_hot", 300, 100, 0.1, 0.0, 0.0),
    "003a": ([2, 25, 25, 25, 1], "relu relu relu", "mse", "unit", 200, 100, 0.1, 0.0, 0.0),
    "003b": ([2, 25, 25, 25, 1], "relu relu dropout dropout tanh sigmoid", "bce", "unit", 200, 100, 0.1, 0.0, 0.0),
    "004": ([2, 25, 25, 25, 2], "tanh tanh tanh sigmoid", "mse", "one_hot", 300, 100, 0.05, 0.0, 0.0),
    "004b": ([2, 25, 25, 25, 2], "tanh tanh tanh sigmoid", "bce", "one_hot", 300, 100, 0.05, 0.0, 0.0),
}


@pytest.mark.parametrize("name", LINES)
def test_the_recipe_as_reported(name):
    recipe = SHIPPED[name].recipe
    linear = [entry for entry in recipe.network["modules"] if entry[0] == "linear"]
    widths = [linear[0][1], *(entry[2] for entry in linear)]
    others = " ".join(entry[0] for entry in recipe.network["modules"] if entry[0] != "linear")
    by = recipe.optimizer
    rates = by["lr"], by.get("lr_decay", 0.0), by.get("momentum", 0.0)
    assert (
        widths,
        others,
        recipe.loss["name"],
        recipe.data["targets"],
        recipe.epochs,
        recipe.batch_size,
        *rates,
    ) == LINES[name]
    assert recipe.data["normalized"] is (name in ("001a", "001b", "002"))


def test_the_dropout_of_003b_stands_where_the_report_has_it():
    names = [entry[0] for entry in SHIPPED["003b"].recipe.network["modules"]]
    assert names == ["linear", "relu", "linear", "relu", "dropout", "linear", "dropout", "tanh", "linear", "sigmoid"]
    assert [entry[1] for entry in SHIPPED["003b"].recipe.network["modules"] if entry[0] == "dropout"] == [0.3, 0.5]


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("recipe", ["reported", "better"])
def test_every_recipe_can_be_built(name, recipe):
    chosen = SHIPPED[name].recipes[recipe]
    model, loss, optimizer = built(chosen)
    inputs = cn.data.disk(3, seed=0).inputs
    assert model(inputs).shape == (3, 2 if chosen.data["targets"] == "one_hot" else 1)
    assert isinstance(loss, cn.Loss)
    assert [optimizer.lr, *(getattr(optimizer, key) for key in chosen.optimizer if key not in ("name", "lr"))] == [
        chosen.optimizer["lr"],
        *(value for key, value in chosen.optimizer.items() if key not in ("name", "lr")),
    ]
    assert list(optimizer.parameters) == model.parameters()


@pytest.mark.parametrize("name", SHIPPED)
def test_every_experiment_says_where_it_comes_from_and_why_it_was_changed(name):
    each = SHIPPED[name]
    assert all([each.title, each.source, each.notes, each.why])
    assert each.recipes == {"reported": each.recipe, "better": each.better}
    assert each.better != each.recipe
    assert (each.better.network, each.better.loss, each.better.data["targets"]) == (
        each.recipe.network,
        each.recipe.loss,
        each.recipe.data["targets"],
    )


def test_an_experiment_by_its_id_or_by_a_path(tmp_path):
    assert experiment("003a") == SHIPPED["003a"]
    path = tmp_path / "mine.toml"
    path.write_text(GOOD, encoding="utf-8")
    assert experiment(str(path)) == parsed(path, GOOD)
    assert experiment(str(path)).id == "mine"


def test_what_a_file_leaves_out():
    made = parse("mine", GOOD)
    assert (made.source, made.notes, made.why) == ("", "", "")
    assert made.better == made.recipe
    assert made.reported == {"test_error": 0.1}
    assert parse("mine", GOOD.replace("[reported]\ntest_error = 0.1\n", "")).reported == {}


def test_the_better_recipe_is_the_reported_one_but_for_what_it_says():
    made = parse("mine", GOOD + '[better]\nwhy = "patience"\nepochs = 7\n')
    assert (made.better.epochs, made.recipe.epochs, made.why) == (7, 2, "patience")
    assert made.better.optimizer == made.recipe.optimizer


def test_an_unknown_id_names_those_there_are():
    with pytest.raises(cn.UnknownComponentError) as caught:
        experiment("03a")
    message = "there is no experiment '03a' (did you mean '003a'?); corenet reproduce shows all"
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_named(content, tmp_path):
    path = tmp_path / "mine.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(cn.OutputError, match=r"cannot read .*mine\.toml"):
        experiment(str(path))


def without(entry):
    return "\n".join(line for line in GOOD.splitlines() if not line.startswith(entry))


def changed(entry, value):
    return f"{entry} = {value}\n" + without(f"{entry} ")


BAD = {
    "not TOML": ("title = ", "mine.toml: not a TOML file"),
    "empty": ("", "mine.toml: data missing: what is learnt from"),
    "unknown": (GOOD.replace("title", "titel"), r"mine.toml:2: unknown entry 'titel' \(did you mean 'title'\?\)"),
    "unknown among others": (changed("epoch", "3"), r"unknown entry 'epoch' \(did you mean 'epochs'\?\)"),
    "unknown in better": (GOOD + "[better]\nlr = 3\n", "mine.toml:12: unknown entry 'better.lr'"),
    "two sorts of data": (changed("data", '{ draw = "disk", source = "iris" }'), "has source and draw"),
    "no sort of data": (changed("data", "{ points = 3 }"), "needs one of source, draw, make, and has none"),
    "of another sort": (changed("data", '{ source = "iris", points = 3 }'), "data.points does not go with data.source"),
    "misspelt in data": (changed("data", '{ sourc = "iris" }'), r"unknown entry 'data.sourc' \(did you mean 'source'"),
    "modules": (changed("network", '{ modules = "linear" }'), "network.modules must be a list of"),
    "module": (changed("network", '{ modules = ["linear"] }'), "network.modules must be a list of"),
    "nameless module": (changed("network", "{ modules = [[2, 25]] }"), "network.modules must be a list of"),
    "empty module": (changed("network", "{ modules = [[]] }"), "network.modules must be a list of"),
    "hidden": (changed("network", "{ hidden = [0] }"), r"network.hidden must be a list of integers ≥ 1, not \[0\]"),
    "loss": (changed("loss", "3"), "mine.toml:1: loss must be a name, or a table with a name, not 3"),
    "targets": (
        changed("data", '{ draw = "disk", targets = "both" }'),
        "data.targets must be one of unit, sign, one_h",
    ),
    "normalized": (changed("data", '{ draw = "disk", normalized = 1 }'), "normalized must be true or false, not 1"),
    "part": (changed("data", '{ source = "iris", test = 1 }'), "data.test must be a fraction from 0 to below 1, not 1"),
    "epochs": (changed("epochs", "0"), "mine.toml:1: epochs must be an integer ≥ 1, not 0"),
    "epochs a truth": (changed("epochs", "true"), "epochs must be an integer ≥ 1, not True"),
    "batch_size": (changed("batch_size", "1.5"), "batch_size must be an integer ≥ 1, not 1.5"),
    "nameless optimizer": (changed("optimizer", "{ lr = 1 }"), "optimizer must be a name, or a table with a name"),
    "optimizer by number": (changed("optimizer", "{ name = 1 }"), "optimizer must be a name, or a table with a name"),
    "callbacks": (changed("callbacks", '"early_stopping"'), "callbacks must be a list of names"),
    "engine": (changed("engine", '"fast"'), "engine must be one of auto, plain, replay, compiled, graph, not 'fast'"),
    "better epochs": (GOOD + "[better]\nepochs = -1\n", "mine.toml:12: epochs must be an integer ≥ 1, not -1"),
    "better a number": ("better = 3\n" + GOOD, "better must be a table"),
    "reported a number": ("reported = 3\n" + GOOD.replace("[reported]\ntest_error = 0.1\n", ""), "reported must be"),
    "figure a word": (GOOD.replace("test_error = 0.1", 'test_error = "low"'), "reported must be a table of numbers"),
    "title a number": (changed("title", "3"), "title must be a string, not 3"),
}


@pytest.mark.parametrize("text", BAD)
def test_a_bad_file_is_refused_in_one_line(text):
    content, match = BAD[text]
    with pytest.raises(cn.ConfigError, match=match) as caught:
        parse("mine", content)
    assert str(caught.value).startswith("mine.toml:")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "error", "match"),
    [
        (
            changed("network", '{ modules = [["linaer", 2, 1]] }'),
            cn.UnknownComponentError,
            "no module 'linaer' .did you mean 'linear'",
        ),
        (changed("network", '{ modules = [["linear", 2]] }'), cn.ConfigError, "linear: .*out_features"),
        (
            changed("network", '{ modules = [["linear", 2, 0]] }'),
            cn.ConfigError,
            "Linear: out_features must be an integer ≥ 1, not 0",
        ),
        (changed("network", '{ modules = [["relu", { slope = 1 }]] }'), cn.ConfigError, "relu: "),
        (changed("loss", '"hubert"'), cn.UnknownComponentError, "no loss 'hubert'"),
        (changed("optimizer", '{ name = "sdg", lr = 1 }'), cn.UnknownComponentError, "no optimizer 'sdg'"),
        (changed("optimizer", '{ name = "sgd", rate = 1 }'), cn.ConfigError, "sgd: .*rate"),
        (changed("optimizer", '{ name = "sgd" }'), cn.ConfigError, "sgd: .*lr"),
        (changed("optimizer", '{ name = "sgd", lr = -1 }'), cn.ConfigError, "lr must be at least 0, not -1"),
    ],
)
def test_what_a_component_does_not_accept_is_refused_when_it_is_built(text, error, match):
    with pytest.raises(error, match=match) as caught:
        built(parse("mine", text).recipe)
    assert "\n" not in str(caught.value)


def test_arguments_by_name_reach_the_module():
    model, _, _ = built(
        parse("mine", changed("network", '{ modules = [["linear", 2, 1, { bias = false, init = "zeros" }]] }')).recipe
    )
    assert model[0].bias is None
    assert model[0].weight.tolist() == [[0.0, 0.0]]
