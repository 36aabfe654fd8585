# SPDX-License-Identifier: Apache-2.0
"""The minicloud by its command line: up if it was down, and down again afterwards."""

import contextlib
import os
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

from bench.contender import BenchFailed

_PROGRAM = Path(__file__).resolve().parents[1] / 'tools' / 'minicloud' / 'minicloud'
_UP_S, _COMMAND_S = 900, 120


@contextlib.contextmanager
def running() -> Iterator[dict[str, str]]:
    """The variables that point a client at it; it is left as it was found. :raises BenchFailed:"""
    was_up = _run('status', check=False).returncode == 0
    try:
        if not was_up:
            _run('up', timeout_s=_UP_S)
        yield exports(_run('env').stdout)
    finally:
        if not was_up:
            _run('down', check=False)


def log_of(service: str) -> str:
    """The log of a service. :raises BenchFailed:"""
    return _run('logs', service).stdout


def status() -> str:
    """What ``status --json`` says. :raises BenchFailed: not all of it runs."""
    return _run('status', '--json').stdout


def restart(service: str) -> None:
    """Start a service anew and wait until it is ready. :raises BenchFailed:"""
    _run('restart', service)


def exports(text: str) -> dict[str, str]:
    """Variables of the lines ``export NAME=VALUE;``, PATH excepted."""
    found = {}
    for line in text.splitlines():
        words = shlex.split(line.removesuffix(';'))
        if len(words) == 2 and words[0] == 'export':
            name, _, value = words[1].partition('=')
            found[name] = value
    found.pop('PATH', None)
    return found


def _run(*arguments: str, check: bool = True, timeout_s: float = _COMMAND_S) -> subprocess.CompletedProcess[str]:
    try:
        ended = subprocess.run([str(_PROGRAM), *arguments], capture_output=True, text=True, timeout=timeout_s,
                               check=False, env=dict(os.environ))
    except subprocess.TimeoutExpired:
        raise BenchFailed(f'minicloud {arguments[0]} did not end within {timeout_s:g} s') from None
    if check and ended.returncode:
        raise BenchFailed(f'minicloud {arguments[0]} failed: {(ended.stderr or ended.stdout).strip()[-600:]}')
    return ended
