"""Adds up and gathers what is small enough to be sent to all at once and what is not, and writes what came of it."""

import json
import random
import sys
from hashlib import blake2b
from pathlib import Path

import torch
import torch.distributed as dist

from corenet.training.ranks.directly import SENT
from corenet.training.ranks.exchange import Exchange
from corenet.training.ranks.joining import joined

random.seed(int(sys.argv[1]))
torch.manual_seed(int(sys.argv[1]))
found = []
with joined() as world:
    exchange, ranks, ring, rings = Exchange(world), world.size, dist.all_reduce, []
    dist.all_reduce = lambda flat: (rings.append(flat), ring(flat))
    last = SENT // 8 // max(1, ranks - 1)  # float64 numbers that are sent to all at once
    for size in (1, random.randrange(2, 999), last - 9, last + 9, 5 * last):
        weights = [random.random() if rank else 0.0 for rank in range(ranks)]
        given = [[torch.randn(size), torch.randint(99, (3,)), torch.randn(2, 2).double()] for _ in range(ranks)]
        sums = [
            sum(weight * each.double() for weight, each in zip(weights, own, strict=True))
            for own in zip(*given, strict=True)
        ]
        given[0][0][0] = float("inf")  # its weight is nought
        own = given[world.rank]
        numbers = exchange.added_up(own, weights[world.rank], [world.rank, 0.5])
        texts = [str(rank) * (rank * size // 7) for rank in range(ranks)]
        rows = [torch.full((rank, 3), float(rank)) for rank in range(ranks)]
        pairs = zip(world.rows_of_all(rows[world.rank]), rows, strict=True)
        found.append(
            {
                "rings": len(rings),
                "farthest": max(
                    (one.double() - other).abs().max().item() for one, other in zip(own[::2], sums[::2], strict=True)
                ),
                "integers": torch.equal(own[1], sums[1].round().long()),
                "numbers": numbers,
                "bits": blake2b(b"".join(each.numpy().tobytes() for each in own)).hexdigest(),
                "texts": world.gathered(texts[world.rank]) == texts,
                "rows": all(torch.equal(*pair) for pair in pairs),
            }
        )
    Path(f"rank-{world.rank}.json").write_text(json.dumps(found), encoding="utf-8")
