"""The two hosts: a network namespace each, with a device whose packets a process of ours carries."""

from __future__ import annotations

import fcntl
import multiprocessing
import os
import struct
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.two_hosts.wire import carry

TUN = Path("/dev/net/tun")
NAMES = ("corenet-one", "corenet-two")
ADDRESSES = ("10.203.0.1", "10.203.0.2")
PACKET = 9000  # bytes, so that carrying them by Python keeps up with a gigabit a second
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000


@dataclass(frozen=True)
class Wire:
    """What the wire between the hosts does, each way: megabits a second, and milliseconds of delay."""

    megabits: float
    milliseconds: float

    def __str__(self) -> str:
        return f"{self.megabits:g} Mbit/s, {self.milliseconds:g} ms"


WIRES = Wire(1000, 0.1), Wire(1000, 10), Wire(100, 10)


def what_is_missing() -> str | None:
    """Say why this machine cannot be two hosts; None if it can."""
    if os.geteuid() != 0:
        return "namespaces are made by root"
    if not any(Path(folder, "ip").exists() for folder in os.get_exec_path()):
        return "there is no ip command"
    probe = f"probe{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", probe], capture_output=True, text=True, check=False)
    try:
        if made.returncode:
            return f"it makes no namespace: {made.stderr.strip()}"
        os.close(_device(probe, probe, ADDRESSES[0]))
    except (OSError, subprocess.CalledProcessError) as error:
        return f"it makes no device: {error}"
    finally:
        subprocess.run(["ip", "netns", "del", probe], capture_output=True, check=False)
    return None


@contextmanager
def two_hosts(wire: Wire) -> Iterator[None]:
    """Make the hosts and the wire, and take them away at the end."""
    devices = []
    try:
        for number, name in enumerate(NAMES):
            _ip("netns", "add", name)
            devices.append(_device(f"wire{number}", name, ADDRESSES[number]))
        rate, delay = wire.megabits * 1e6 / 8, wire.milliseconds / 1e3
        carrier = multiprocessing.get_context("fork").Process(target=carry, args=(*devices, rate, delay), daemon=True)
        carrier.start()
        try:
            yield
        finally:
            carrier.kill()
            carrier.join()
    finally:
        for device in devices:
            os.close(device)
        for name in NAMES:
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


def on_host(number: int, command: Sequence[str]) -> list[str]:
    """Return the command that does it on one of the hosts."""
    return ["ip", "netns", "exec", NAMES[number], *command]


def _device(name: str, host: str, address: str) -> int:
    """Return the file that has the packets of a new device on a host."""
    file = os.open(TUN, os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(file, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
    _ip("link", "set", name, "netns", host)
    for line in (
        f"addr add {address}/24 dev {name}",
        f"link set {name} mtu {PACKET} txqueuelen 10000 up",
        "link set lo up",
    ):
        _ip("-n", host, *line.split())
    return file


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)
