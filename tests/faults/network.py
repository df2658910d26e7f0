"""Hosts on this machine: a network namespace for each, on a switch that is in one of its own.

Rules that others set for the traffic of this machine don't reach them, nor do ours reach others.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import Self

PREFIX = 24
SWITCH = "switch"
"""The bridge, and the name of its namespace's end of everything."""
OURS = 254
"""The last part of our own address."""


class NoNetwork(Exception):  # noqa: N818 - a state of this machine
    """Namespaces can't be made here; the text says why."""


class Network:
    """Hosts that can be cut off, and ourselves; gone when it is left."""

    def __init__(self, *hosts: str) -> None:
        """Choose names; entering makes them.

        Args:
            hosts: their names, a few letters each.
        """
        number = os.getpid() % 60_000
        self._own = f"sw{number}"
        self._net = f"10.{100 + number // 600}.{number % 240}"
        self._hosts = {name: place for place, name in enumerate(hosts, start=1)}

    def __enter__(self) -> Self:
        if shutil.which("ip") is None:
            raise NoNetwork("no `ip` on this machine (iproute2)")
        try:
            self._make()
        except NoNetwork:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for name in (*self._hosts, SWITCH):
            _ip("netns", "del", self._space(name), check=False)

    def address(self, host: str) -> str:
        """Of a host."""
        return f"{self._net}.{self._hosts[host]}"

    def within(self, host: str) -> list[str]:
        """Words before a command that run it there."""
        return ["ip", "netns", "exec", self._space(host)]

    def cut(self, host: str) -> None:
        """Nothing comes from or to a host any more; nobody is told."""
        _ip("-n", self._space(SWITCH), "link", "set", host, "down")

    def mend(self, host: str) -> None:
        """As it was before."""
        _ip("-n", self._space(SWITCH), "link", "set", host, "up")

    def _space(self, name: str) -> str:
        return f"{self._own}-{name}"

    def _make(self) -> None:
        switch = self._space(SWITCH)
        _ip("netns", "add", switch)
        _ip("-n", switch, "link", "add", SWITCH, "type", "bridge")
        _ip("-n", switch, "link", "set", SWITCH, "up")
        for name, place in self._hosts.items():
            _ip("netns", "add", self._space(name))
            self._plug(name, place, ["netns", self._space(name)])
        _ip("link", "add", self._own, "type", "veth", "peer", "name", "us", "netns", switch)
        _ip("-n", switch, "link", "set", "us", "master", SWITCH, "up")
        _ip("addr", "add", f"{self._net}.{OURS}/{PREFIX}", "dev", self._own)
        _ip("link", "set", self._own, "up")

    def _plug(self, name: str, place: int, where: list[str]) -> None:
        switch, space = self._space(SWITCH), self._space(name)
        _ip("-n", switch, "link", "add", name, "type", "veth", "peer", "name", "eth0", *where)
        _ip("-n", switch, "link", "set", name, "master", SWITCH, "up")
        _ip("-n", space, "link", "set", "lo", "up")
        _ip("-n", space, "addr", "add", f"{self._net}.{place}/{PREFIX}", "dev", "eth0")
        _ip("-n", space, "link", "set", "eth0", "up")


def _ip(*words: str, check: bool = True) -> None:
    command = ["ip", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if check and done.returncode != 0:
        raise NoNetwork(f"ip {' '.join(words[:2])}: {done.stderr.strip()}")
