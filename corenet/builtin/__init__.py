"""The built-in plugin: it registers its components through the hooks that every plugin has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from corenet.registry.hookspecs import hookimpl
from corenet.registry.spec import ComponentSpec, ExperimentSpec

if TYPE_CHECKING:  # the types of cn.Linear and the others, for each component below; nothing is imported when it runs
    from corenet.builtin.activations import ReLU as ReLU
    from corenet.builtin.activations import Sigmoid as Sigmoid
    from corenet.builtin.activations import Tanh as Tanh
    from corenet.builtin.adam import Adam as Adam
    from corenet.builtin.adam import AdamW as AdamW
    from corenet.builtin.callbacks import BestCheckpoint as BestCheckpoint
    from corenet.builtin.callbacks import EarlyStopping as EarlyStopping
    from corenet.builtin.callbacks import ReduceOnPlateau as ReduceOnPlateau
    from corenet.builtin.classification import F1 as F1
    from corenet.builtin.classification import ROCAUC as ROCAUC
    from corenet.builtin.classification import Accuracy as Accuracy
    from corenet.builtin.classification import ConfusionMatrix as ConfusionMatrix
    from corenet.builtin.classification import ErrorRate as ErrorRate
    from corenet.builtin.classification import Precision as Precision
    from corenet.builtin.classification import Recall as Recall
    from corenet.builtin.cross_entropy import CrossEntropyLoss as CrossEntropyLoss
    from corenet.builtin.dropout import Dropout as Dropout
    from corenet.builtin.flatten import Flatten as Flatten
    from corenet.builtin.initializers import HeNormal as HeNormal
    from corenet.builtin.initializers import HeUniform as HeUniform
    from corenet.builtin.initializers import Normal as Normal
    from corenet.builtin.initializers import Uniform as Uniform
    from corenet.builtin.initializers import XavierNormal as XavierNormal
    from corenet.builtin.initializers import XavierUniform as XavierUniform
    from corenet.builtin.initializers import Zeros as Zeros
    from corenet.builtin.linear import Linear as Linear
    from corenet.builtin.loggers import CSVLogger as CSVLogger
    from corenet.builtin.loggers import JSONLLogger as JSONLLogger
    from corenet.builtin.losses import BCELoss as BCELoss
    from corenet.builtin.losses import BCEWithLogitsLoss as BCEWithLogitsLoss
    from corenet.builtin.losses import MAELoss as MAELoss
    from corenet.builtin.losses import MSELoss as MSELoss
    from corenet.builtin.metrics import MAE as MAE
    from corenet.builtin.metrics import R2 as R2
    from corenet.builtin.metrics import RMSE as RMSE
    from corenet.builtin.metrics import MeanLoss as MeanLoss
    from corenet.builtin.schedules import ConstantSchedule as ConstantSchedule
    from corenet.builtin.schedules import CosineSchedule as CosineSchedule
    from corenet.builtin.schedules import ExponentialSchedule as ExponentialSchedule
    from corenet.builtin.schedules import OneCycleSchedule as OneCycleSchedule
    from corenet.builtin.schedules import StepSchedule as StepSchedule
    from corenet.builtin.schedules import WarmupSchedule as WarmupSchedule
    from corenet.builtin.sgd import SGD as SGD
    from corenet.builtin.softmax import LogSoftmax as LogSoftmax
    from corenet.builtin.softmax import Softmax as Softmax
    from corenet.builtin.tensorboard import TensorBoard as TensorBoard


@hookimpl
def corenet_modules() -> Iterator[ComponentSpec]:
    yield ComponentSpec("linear", "corenet.builtin.linear:Linear", "y = x Wᵀ + b")
    yield ComponentSpec("dropout", "corenet.builtin.dropout:Dropout", "y = x · mask / (1 − p), mask ~ Bernoulli(1 − p)")
    yield ComponentSpec("flatten", "corenet.builtin.flatten:Flatten", "(N, d₁, d₂, …) → (N, d₁ · d₂ · …)")
    yield ComponentSpec("relu", "corenet.builtin.activations:ReLU", "y = max(x, 0)", tags=("activation",))
    yield ComponentSpec("tanh", "corenet.builtin.activations:Tanh", "y = tanh x", tags=("activation",))
    yield ComponentSpec("sigmoid", "corenet.builtin.activations:Sigmoid", "y = 1 / (1 + e⁻ˣ)", tags=("activation",))
    yield ComponentSpec("softmax", "corenet.builtin.softmax:Softmax", "yᵢ = e^xᵢ / Σⱼ e^xⱼ", tags=("activation",))
    yield ComponentSpec(
        "log_softmax", "corenet.builtin.softmax:LogSoftmax", "yᵢ = xᵢ − log Σⱼ e^xⱼ", tags=("activation",)
    )


@hookimpl
def corenet_losses() -> Iterator[ComponentSpec]:
    yield ComponentSpec("mse", "corenet.builtin.losses:MSELoss", "(x − t)²", aliases=("mse_loss",))
    yield ComponentSpec("mae", "corenet.builtin.losses:MAELoss", "|x − t|", aliases=("mae_loss",))
    yield ComponentSpec("bce", "corenet.builtin.losses:BCELoss", "−t log x − (1 − t) log(1 − x)", aliases=("bce_loss",))
    yield ComponentSpec(
        "bce_with_logits",
        "corenet.builtin.losses:BCEWithLogitsLoss",
        "bce of sigmoid(x), computed stably",
        aliases=("bce_with_logits_loss",),
    )
    yield ComponentSpec(
        "cross_entropy",
        "corenet.builtin.cross_entropy:CrossEntropyLoss",
        "−Σ t log softmax(x), of class indices or probabilities",
        aliases=("cross_entropy_loss",),
    )


@hookimpl
def corenet_optimizers() -> Iterator[ComponentSpec]:
    yield ComponentSpec("sgd", "corenet.builtin.sgd:SGD", "v ← μ v + g; w ← w − η v")
    yield ComponentSpec("adam", "corenet.builtin.adam:Adam", "w ← w − η m / (√s + ε), of mean gradient and square")
    yield ComponentSpec("adamw", "corenet.builtin.adam:AdamW", "adam, with weight decay beside it", aliases=("adam_w",))


@hookimpl
def corenet_schedules() -> Iterator[ComponentSpec]:
    home = "corenet.builtin.schedules"
    yield ComponentSpec("constant", f"{home}:ConstantSchedule", "factor for some steps, then 1")
    yield ComponentSpec("step", f"{home}:StepSchedule", "γ^⌊t / step_size⌋")
    yield ComponentSpec("exponential", f"{home}:ExponentialSchedule", "γᵗ")
    yield ComponentSpec("cosine", f"{home}:CosineSchedule", "e + (1 − e) (1 + cos(π t / T)) / 2")
    yield ComponentSpec("one_cycle", f"{home}:OneCycleSchedule", "up and down along half a cosine wave each")
    yield ComponentSpec("warmup", f"{home}:WarmupSchedule", "up along a line, then another schedule")


@hookimpl
def corenet_metrics() -> Iterator[ComponentSpec]:
    values, classes = "corenet.builtin.metrics", "corenet.builtin.classification"
    yield ComponentSpec("loss", f"{values}:MeanLoss", "the loss of the training")
    yield ComponentSpec("mae", f"{values}:MAE", "mean |x − t|")
    yield ComponentSpec("rmse", f"{values}:RMSE", "√(mean (x − t)²)")
    yield ComponentSpec("r2", f"{values}:R2", "1 − Σ (x − t)² / Σ (t − mean t)²")
    yield ComponentSpec("accuracy", f"{classes}:Accuracy", "fraction in the right class")
    yield ComponentSpec("error_rate", f"{classes}:ErrorRate", "fraction in the wrong class")
    yield ComponentSpec("precision", f"{classes}:Precision", "tp / (tp + fp)")
    yield ComponentSpec("recall", f"{classes}:Recall", "tp / (tp + fn)")
    yield ComponentSpec("f1", f"{classes}:F1", "2 tp / (2 tp + fp + fn)")
    yield ComponentSpec("roc_auc", f"{classes}:ROCAUC", "area under the ROC curve")
    yield ComponentSpec("confusion_matrix", f"{classes}:ConfusionMatrix", "each class read as each")


@hookimpl
def corenet_callbacks() -> Iterator[ComponentSpec]:
    home, loggers = "corenet.builtin.callbacks", "corenet.builtin.loggers"
    yield ComponentSpec("early_stopping", f"{home}:EarlyStopping", "ends a training that gets no better")
    yield ComponentSpec("reduce_on_plateau", f"{home}:ReduceOnPlateau", "lowers the rate where nothing gets better")
    yield ComponentSpec("best_checkpoint", f"{home}:BestCheckpoint", "saves the best epoch")
    yield ComponentSpec("csv_logger", f"{loggers}:CSVLogger", "a row of CSV for each epoch")
    yield ComponentSpec("jsonl_logger", f"{loggers}:JSONLLogger", "a line of JSON for each epoch")
    yield ComponentSpec("tensorboard", "corenet.builtin.tensorboard:TensorBoard", "numbers for TensorBoard")


@hookimpl
def corenet_initializers() -> Iterator[ComponentSpec]:
    home = "corenet.builtin.initializers"
    yield ComponentSpec("uniform", f"{home}:Uniform", "U(±1/√fan_in), the bias too")
    yield ComponentSpec("xavier_uniform", f"{home}:XavierUniform", "U(±√(6 / (fan_in + fan_out)))")
    yield ComponentSpec("xavier_normal", f"{home}:XavierNormal", "N(0, 2 / (fan_in + fan_out))")
    yield ComponentSpec("he_uniform", f"{home}:HeUniform", "U(±√(6 / fan_in))")
    yield ComponentSpec("he_normal", f"{home}:HeNormal", "N(0, 2 / fan_in)")
    yield ComponentSpec("normal", f"{home}:Normal", "N(mean, std²)")
    yield ComponentSpec("zeros", f"{home}:Zeros", "0")


@hookimpl
def corenet_experiments() -> Iterator[ExperimentSpec]:
    of_students = ("000", "001a", "001b", "002", "003a", "003b", "004", "004b")
    of_tables = ("iris", "wine", "breast_cancer", "diabetes")
    yield from (ExperimentSpec(name, f"corenet.experiments:{name}.toml") for name in (*of_students, *of_tables))
