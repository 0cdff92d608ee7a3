"""A training in a process of its own: ``program.py FOLDER OUT ENGINE [slowly|stuck]``."""

import signal
import sys
import time

import torch

import corenet as cn


class Waits(cn.Callback):
    """Takes its time after each epoch."""

    def __init__(self, seconds):
        self.seconds = seconds

    def after_epoch(self, training):
        time.sleep(self.seconds)


class Stuck(cn.data.Dataset):
    """Hands out its second epoch after a long time."""

    def shuffled(self, seed, *epochs):
        if max(epochs) > 0:
            time.sleep(60)
        return super().shuffled(seed, *epochs)


def main(folder, out, engine, *how):
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell's job in the background begins without
    torch.manual_seed(0)
    data = cn.data.disk(61, seed=0)
    middle = [cn.Linear(2, 25), cn.Tanh(), cn.Dropout(0.3), cn.Linear(25, 25), cn.ReLU()]
    model = cn.Sequential(*middle, cn.Linear(25, 1), cn.Sigmoid())
    optimizer = cn.SGD(model.parameters(), lr=0.1, momentum=0.9, schedule=cn.CosineSchedule(400))
    train = Stuck(data.inputs, data.targets) if "stuck" in how else data
    batch_size, epochs = (61, 2) if "stuck" in how else (8, 40)
    try:
        history = cn.fit(
            model,
            cn.BCELoss(),
            optimizer,
            train,
            valid=cn.data.disk(20, seed=1),
            epochs=epochs,
            batch_size=batch_size,
            engine=engine,
            checkpoint=folder,
            every="1 steps" if "stuck" in how else "3 steps" if how else "1 hour",
            callbacks=[
                Waits(0.25 if "slowly" in how else 0),
                cn.EarlyStopping(patience=30),
                cn.ReduceOnPlateau(patience=4),
            ],
        )
    except cn.Interrupted as interrupted:
        print(interrupted, file=sys.stderr)
        sys.exit(interrupted.exit_code)
    torch.save({"weights": model.state_dict(), "losses": [epoch.loss for epoch in history]}, out)


if __name__ == "__main__":
    main(*sys.argv[1:])
