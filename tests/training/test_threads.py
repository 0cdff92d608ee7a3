"""What is safe from several threads and processes: as docs/reliability.md states it."""

import multiprocessing
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor

import torch

import corenet as cn
from corenet.training.engines.cpu.cc import compiler

DATA = cn.data.disk(60, seed=0)


def network(seed):
    torch.manual_seed(seed)
    return cn.Sequential(cn.Linear(2, 8), cn.Tanh(), cn.Dropout(0.0), cn.Linear(8, 1), cn.Sigmoid())


def trained(seed, engine="plain"):
    model = network(seed)
    optimizer = cn.SGD(model.parameters(), lr=0.3, momentum=0.9)
    cn.fit(model, cn.MSELoss(), optimizer, DATA, epochs=3, batch_size=20, progress=False, engine=engine)
    return [each.clone() for each in model.parameters()]


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_one_model_in_evaluation_mode_serves_several_threads():
    model = network(0).eval()
    inputs = [torch.rand(30, 2) for _ in range(64)]
    expected = [model(each) for each in inputs]
    with ThreadPoolExecutor(8) as pool:
        assert same(list(pool.map(model, inputs)), expected)
        predicted = pool.map(lambda each: cn.predict(model, each), inputs)
        assert same(list(predicted), expected)


def test_models_of_their_own_train_side_by_side():
    """With their weights drawn before: torch's generator is one for the process."""
    models = [network(seed) for seed in range(4)]
    expected = [trained(seed) for seed in range(4)]

    def train(model):
        optimizer = cn.SGD(model.parameters(), lr=0.3, momentum=0.9)
        loss = cn.MSELoss()
        for epoch in range(3):
            for input, target in DATA.batches(20, seed=0, epoch=epoch):
                cn.train_step(model, loss, optimizer, input, target)
        return list(model.parameters())

    with ThreadPoolExecutor(4) as pool:
        for found, wanted in zip(pool.map(train, models), expected, strict=True):
            torch.testing.assert_close(found, wanted)


def test_components_are_listed_while_others_load_them():
    code = """
        from concurrent.futures import ThreadPoolExecutor
        import corenet as cn
        names = [(row.kind, row.name) for row in cn.components()]
        with ThreadPoolExecutor(8) as pool:
            lists = [pool.submit(cn.components) for _ in range(20)]
            found = [pool.submit(cn.get, *each) for each in names * 4]
            lists += [pool.submit(cn.components) for _ in range(20)]
            assert all([(row.kind, row.name) for row in each.result()] == names for each in lists)
            assert len({each.result() for each in found}) == len(set(names))
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)


def _in_child(engine):
    torch.set_num_threads(1)
    return [each.tolist() for each in trained(5, engine)]


def test_a_process_that_has_trained_can_fork_and_spawn():
    code = """
        import multiprocessing, sys, torch
        sys.path.insert(0, sys.argv[1])
        from test_threads import _in_child
        if __name__ == "__main__":
            engines = sys.argv[2:]
            expected = [_in_child(engine) for engine in engines]
            for start in ("fork", "spawn"):
                with multiprocessing.get_context(start).Pool(2) as pool:
                    for engine, own, found in zip(engines, expected, pool.map(_in_child, engines), strict=True):
                        for each, other in zip(own, found, strict=True):  # compiled steps may begin sooner or later
                            close = torch.tensor(each).allclose(torch.tensor(other), rtol=1e-5, atol=1e-6)
                            assert close if engine == "compiled" else each == other, (start, engine)
    """
    assert multiprocessing.get_all_start_methods()
    folder = __file__.rpartition("/")[0]
    script = textwrap.dedent(code)
    engines = ["plain", "replay", *(["compiled"] if compiler() else [])]
    subprocess.run([sys.executable, "-c", script, folder, *engines], check=True, timeout=120, env=_environment(folder))


def _environment(folder):
    import os

    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": f"{folder}:{os.environ.get('PYTHONPATH', '')}"}
