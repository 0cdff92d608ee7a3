"""``corenet check FILE.py`` finds schedules, metrics, callbacks and initializers too."""

from corenet.cli.component_file import components_in

CODE = """
import corenet as cn

class Falls(cn.Schedule):
    def __call__(self, step):
        return 1 / (1 + step)

class Half(cn.Schedule): ...

class Gap(cn.Metric):
    def reset(self):
        self.total = 0.0
    def update(self, output, target):
        self.total += (output - target).sum().item()
    def compute(self):
        return self.total

class Ends(cn.Callback):
    def end(self, training): ...

class Nothing(cn.Callback): ...

class Fills(cn.Initializer):
    def __call__(self, weight):
        weight.fill_(0.5)

class _Private(Fills): ...
"""


def test_each_that_has_its_formula_is_found(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other_kinds.py").write_text(CODE)
    assert components_in("other_kinds.py") == [
        ("schedule", "other_kinds.py:Falls"),
        ("metric", "other_kinds.py:Gap"),
        ("callback", "other_kinds.py:Ends"),
        ("initializer", "other_kinds.py:Fills"),
    ]
