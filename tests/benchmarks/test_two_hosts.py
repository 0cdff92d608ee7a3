"""Two hosts and a wire: packets are late by what the wire takes, and ranks on the hosts talk over it."""

import random

import pytest

pytest.importorskip("benchmarks.two_hosts.hosts")

from benchmarks.exchange import Exchange, read
from benchmarks.many_ranks.model import Link, Steps
from benchmarks.two_hosts.hosts import Wire, two_hosts, what_is_missing
from benchmarks.two_hosts.running import run_on_both
from benchmarks.two_hosts.wire import Way


def test_a_packet_waits_for_those_before_it_and_for_the_delay():
    draw = random.Random(random.randrange(1000))
    way, left, now, due = Way(rate=1e6, delay=0.01), 0.0, 0.0, []
    packets = [draw.randbytes(draw.randrange(1, 9000)) for _ in range(50)]
    for packet in packets:
        now += draw.random() / 200
        left = max(now, left) + len(packet) / 1e6
        due.append(left + 0.01)
        way.put(packet, now)
    middle = due[24] + 1e-9
    assert way.arrived(middle) == packets[: sum(each <= middle for each in due)]
    assert way.arrived(due[-1] + 1e-9)[-1] == packets[-1]
    assert (way.due, way.bytes) == (float("inf"), sum(map(len, packets)))


@pytest.mark.skipif(what_is_missing() is not None, reason=f"{what_is_missing()}")
def test_ranks_on_two_hosts_wait_for_the_wire():
    with two_hosts(Wire(megabits=80, milliseconds=5)):
        small, large = read(
            run_on_both(["-m", "benchmarks.exchange", "--seconds", "1", "--bytes", "800", "--bytes", "1000000"])
        )
    assert (small.bytes, large.bytes) == (800, 1_000_000)
    assert 0.01 <= small.seconds < 1, "there and back"
    assert large.seconds > 0.1, "a megabyte at ten a second"


def test_the_model_goes_through_what_was_measured():
    timed = [(6_000, 0.00126), (600_000, 0.0065), (15_000_000, 0.128)]
    link = Link.between_two(*timed)
    assert [link.exchange(2, size) for size, _ in timed] == pytest.approx([seconds for _, seconds in timed])
    steps = Steps.between((25, 0.001), (100, 0.002))
    assert steps.seconds(1, 100, 0.0) == pytest.approx(0.002)
    assert steps.seconds(4, 100, 0.0) == pytest.approx(0.001)
    assert link.exchange(8, 6_000) == pytest.approx(link.turn + 7 * 6_000 / link.rate)
    assert link.exchange(1000, 6_000) == pytest.approx(1998 * link.of_ring + 1998 / 1000 * 6_000 / link.rate)


def test_what_is_printed_is_read_again():
    text = "2 ranks, load 1.4\n bytes   µs of processor  times\n 6,024        1,264          286   1000\n"
    assert read(text) == [Exchange(6024, pytest.approx(0.001264), pytest.approx(0.000286))]
