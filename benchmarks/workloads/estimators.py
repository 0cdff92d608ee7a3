"""CorenetClassifier against MLPClassifier: the same network, epochs and batches, in float32, on one thread."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from statistics import mean, median
from time import perf_counter
from typing import Any

import numpy as np
import torch

from benchmarks.report import Report
from benchmarks.table import in_markdown

EPOCHS = 200
FITS = 100  # of a grid search: so many rates and decays, by five folds
ROWS = 1_000_000
MOST = 6000  # rows of a survey
LEAST = 5  # turns
SETTLING = 2.0  # seconds before them
NOTE = (
    "Medians of wall-clock time of {turns} turns, in which the two alternate, on one thread, after some seconds in "
    "which what is compiled is compiled. Scores are means on a quarter of the rows, which nobody learnt from. Epochs "
    "are medians: with early stopping each has its own rule, the loss of the kept rows here, their score there. "
    "A search has no turn before; the first of three is in the JSON."
)
Table = tuple[str, np.ndarray, np.ndarray]
# The vote of 1996, affairs, the choice of how to travel, whether somebody saw a doctor: what is told from the rest.
ASIDE = ("individual", "choice", "popul")  # numbers of rows, and what says the answer
SURVEYS = {"anes96": "vote", "fair": "affairs", "modechoice": "mode", "randhie": "mdvis"}


def run(seconds: float, device: str) -> Report:
    """Let the two alternate, ``seconds`` / 2 turns of each (5 at least)."""
    from threadpoolctl import threadpool_limits

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")  # scikit-learn warns where all epochs were trained
    turns = max(LEAST, round(seconds / 2))
    report = Report("estimators", "As scikit-learn's estimators", notes=[NOTE.format(turns=turns)])
    with threadpool_limits(1):
        for early in (False, True):
            title = "early_stopping" if early else f"{EPOCHS} epochs"
            found = {name: compared(X, y, turns, early=early) for name, X, y in tables()}
            report.measured[title] = found
            report.notes.append(_fits(title, found))
        report.measured["grid search"] = search = {name: searched(X, y) for name, X, y in tables() if len(y) < 1000}
        report.notes.append(_pairs(f"grid search of {FITS} fits, s", search, 1.0))
        report.measured["skorch"] = peers = {name: with_skorch(X, y) for name, X, y in tables() if len(y) < 2000}
        report.notes.append(_pairs(f"{EPOCHS} epochs, s", peers, 1.0, ("skorch", "corenet")))
        report.measured["predict"] = predictions = predicted()
        report.notes.append(_pairs("predict, ms", predictions, 1e3))
    return report


def tables() -> Iterator[Table]:
    """Yield tables that come with scikit-learn, some that it makes, and some that come with statsmodels."""
    from sklearn import datasets

    for name in ("iris", "wine", "breast_cancer", "digits"):
        yield name, *datasets.__dict__[f"load_{name}"](return_X_y=True)
    yield "moons", *datasets.make_moons(1000, noise=0.25, random_state=0)
    yield "made", *datasets.make_classification(5000, 20, n_informative=10, n_classes=3, random_state=0)
    for name, target in SURVEYS.items():
        frame = import_module(f"statsmodels.datasets.{name}").load_pandas().data.dropna()
        frame = frame.sample(min(len(frame), MOST), random_state=0)
        labels = frame[target].to_numpy()
        classes = labels if len(set(labels)) < 10 else labels > 0
        yield (
            name,
            frame.drop(columns=[target, *(each for each in ASIDE if each in frame)]).to_numpy(np.float64),
            classes.astype(int),
        )


def theirs(**arguments: Any) -> Any:
    """Return scikit-learn's network; without early stopping it trains all epochs, as ours does."""
    from sklearn.neural_network import MLPClassifier

    if not arguments.get("early_stopping"):
        arguments |= {"n_iter_no_change": arguments["max_iter"], "tol": 0.0}
    return MLPClassifier(**arguments)


def ours(max_iter: int, **arguments: Any) -> Any:
    """Return corenet's."""
    from corenet.sklearn import CorenetClassifier

    return CorenetClassifier(epochs=max_iter, **arguments)


CONTESTANTS: dict[str, Callable[..., Any]] = {"scikit-learn": theirs, "corenet": ours}


def compared(
    X: np.ndarray, y: np.ndarray, turns: int, *, early: bool, epochs: int = EPOCHS, settling: float = SETTLING
) -> dict[str, Any]:
    """Return seconds, scores and epochs of each contestant's trainings, one of each a turn."""
    train, test, labels, expected = _split(X, y)
    found: dict[str, Any] = {name: {"seconds": [], "score": [], "epochs": []} for name in CONTESTANTS}
    settled = perf_counter() + settling
    while perf_counter() < settled:
        ours(max_iter=epochs, early_stopping=early).fit(train, labels)
    for turn in range(turns):
        for name, make in CONTESTANTS.items():
            model = make(max_iter=epochs, early_stopping=early, random_state=turn)
            found[name]["seconds"].append(_seconds(lambda model=model: model.fit(train, labels)))
            found[name]["score"].append(model.score(test, expected))
            found[name]["epochs"].append(model.n_iter_)
    return found


def searched(X: np.ndarray, y: np.ndarray, candidates: int = FITS // 5, turns: int = 3) -> dict[str, list[float]]:
    """Return the seconds of grid searches, each over rates of so many sizes, by five folds."""
    from sklearn.model_selection import GridSearchCV

    train, _, labels, _ = _split(X, y)
    rates = {"ours": "lr", "theirs": "learning_rate_init"}
    found: dict[str, list[float]] = {name: [] for name in CONTESTANTS}
    for turn in range(turns):
        for name, make in CONTESTANTS.items():
            grid = {rates[make.__name__]: np.geomspace(1e-4, 1e-1, candidates)}
            model = make(max_iter=EPOCHS, random_state=turn)
            search = GridSearchCV(model, grid, cv=5, refit=False)
            found[name].append(_seconds(lambda search=search: search.fit(train, labels)))
    return found


def with_skorch(X: np.ndarray, y: np.ndarray, turns: int = 3) -> dict[str, list[float]]:
    """Return the seconds of trainings of the same network by skorch and by corenet, for the same epochs and batches."""
    from skorch import NeuralNetClassifier

    train, _, labels, _ = _split(X, y)
    labels = np.unique(labels, return_inverse=True)[1]  # skorch takes no others than 0, 1, …
    size, classes = train.shape[1], len(set(labels))
    found: dict[str, list[float]] = {"skorch": [], "corenet": []}
    for turn in range(turns):
        network = torch.nn.Sequential(torch.nn.Linear(size, 100), torch.nn.ReLU(), torch.nn.Linear(100, classes))
        peer = NeuralNetClassifier(
            network,
            criterion=torch.nn.CrossEntropyLoss,
            optimizer=torch.optim.Adam,
            lr=1e-3,
            max_epochs=EPOCHS,
            batch_size=min(200, len(train)),
            iterator_train__shuffle=True,
            train_split=None,
            verbose=0,
        )
        model = ours(max_iter=EPOCHS, random_state=turn)
        found["skorch"].append(_seconds(lambda peer=peer: peer.fit(train, labels)))
        found["corenet"].append(_seconds(lambda model=model: model.fit(train, labels)))
    return found


def predicted() -> dict[str, dict[str, list[float]]]:
    """Return the seconds of predictions of one row, and of a million."""
    random = np.random.default_rng(0)
    X, y = random.normal(size=(500, 20)).astype(np.float32), np.arange(500) % 3
    models = {name: make(max_iter=2, random_state=0).fit(X, y) for name, make in CONTESTANTS.items()}
    many = random.normal(size=(ROWS, 20)).astype(np.float32)
    found = {}
    for title, rows, turns in (("1 row", many[:1], 500), (f"{ROWS:,} rows", many, 5)):
        found[title] = {name: [] for name in CONTESTANTS}
        for _ in range(turns):
            for name, model in models.items():
                found[title][name].append(_seconds(lambda model=model, rows=rows: model.predict(rows)))
    return found


def _split(X: np.ndarray, y: np.ndarray) -> Any:
    """Return rows to learn from and others, standardised, in float32, and the labels of both."""
    from sklearn.model_selection import train_test_split
    from sklearn.preprocessing import StandardScaler

    train, test, labels, expected = train_test_split(X, y, random_state=0, stratify=y)
    scaler = StandardScaler().fit(train)
    return *(scaler.transform(part).astype(np.float32) for part in (train, test)), labels, expected


def _seconds(work: Callable[[], Any]) -> float:
    start = perf_counter()
    work()
    return perf_counter() - start


def _fits(title: str, found: dict[str, Any]) -> str:
    """Return a table of trainings."""
    rows = []
    for table, each in found.items():
        times, scores, epochs = ([each[name][key] for name in CONTESTANTS] for key in ("seconds", "score", "epochs"))
        slow, fast = map(median, times)
        cells = [f"{1e3 * slow:.1f}", f"{1e3 * fast:.1f}", f"{slow / fast:.1f}"]
        an_epoch = median(times[0]) / median(epochs[0]) / (median(times[1]) / median(epochs[1]))
        rows.append([table, *cells, f"{an_epoch:.1f}", *(f"{mean(part):.3f}" for part in scores)])
        rows[-1] += [f"{median(part):g}" for part in epochs]
    each_of = [f"{what}{name}" for what in ("score, ", "epochs, ") for name in CONTESTANTS]
    return in_markdown([title, "scikit-learn ms", "corenet ms", "times", "times an epoch", *each_of], rows)


def _pairs(
    title: str,
    found: dict[str, dict[str, list[float]]],
    unit: float,
    names: Sequence[str] = ("scikit-learn", "corenet"),
) -> str:
    """Return a table of two times a row."""
    rows = []
    for name, times in found.items():
        slow, fast = (median(times[each]) for each in names)
        rows.append([name, f"{unit * slow:.3g}", f"{unit * fast:.3g}", f"{slow / fast:.1f}"])
    return in_markdown([title, *names, "times"], rows)
