# SPDX-License-Identifier: Apache-2.0
"""A fuzzer's run: some threads until time is up, then the verdict."""

import argparse
import threading
import time
from collections.abc import Callable, Sequence
from random import Random, SystemRandom

from tools.fuzz import target as targets
from tools.fuzz.target import Target

One = Callable[[Random, Target], None]

_TOLD_EVERY_S = 30.0
_POPULATED_EVERY_S = 5.0
_MOST_SHOWN = 10
_MOST_RSS_MIB = 400.0


def run(one: One, seconds: float, seed: int, threads: int = 2) -> list[str]:
    """Do it over and over, and return what was found to be wrong. A seed gives each thread the same requests again."""
    with targets.running() as target:
        target.populate()
        deadline = time.monotonic() + seconds
        workers = [threading.Thread(target=_work, args=(one, Random(f'{seed}-{number}'), target, deadline))
                   for number in range(threads)]
        for worker in workers:
            worker.start()
        _oversee(target, deadline, seconds)
        for worker in workers:
            worker.join()
        if target.is_alive() and (rss_mib := target.daemon.rss_mib()) > _MOST_RSS_MIB:
            target.findings.say(f'the daemon takes {rss_mib:.0f} MiB, more than {_MOST_RSS_MIB:.0f}')
    print(f'{sum(target.findings.statuses.values())} answers: {dict(sorted(target.findings.statuses.items()))}')
    return target.findings.wrong


def _work(one: One, random: Random, target: Target, deadline: float) -> None:
    while time.monotonic() < deadline:
        try:
            one(random, target)
        except ConnectionError as error:
            target.findings.say(f'the daemon does not take connections: {error}')
            return
        except Exception as error:
            target.findings.say(f'the fuzzer itself failed: {error!r}')
            raise


def _oversee(target: Target, deadline: float, seconds: float) -> None:
    told = time.monotonic()
    while (left := deadline - time.monotonic()) > 0:
        time.sleep(min(left, _POPULATED_EVERY_S))
        target.populate()
        if time.monotonic() - told > _TOLD_EVERY_S:
            told = time.monotonic()
            print(f'{seconds - (deadline - told):.0f} s of {seconds:.0f} s, {len(target.findings.wrong)} found, '
                  f'{target.daemon.rss_mib():.0f} MiB', flush=True)


def main_of(name: str, doc: str | None, one: One, argv: Sequence[str] | None) -> int:
    """The command line of a fuzzer: 0 if nothing was found."""
    parser = argparse.ArgumentParser(prog=f'python -m {name}', description=doc)
    parser.add_argument('--seconds', type=float, default=600, help='how long (600)')
    parser.add_argument('--seed', type=int, default=SystemRandom().randrange(1 << 32), help='that of an earlier run')
    arguments = parser.parse_args(argv)
    print(f'{name}: seed {arguments.seed}', flush=True)
    wrong = run(one, arguments.seconds, arguments.seed)
    for sentence in wrong[:_MOST_SHOWN]:
        print(f'FOUND {sentence}')
    print(f'{len(wrong)} found, seed {arguments.seed}')
    return 1 if wrong else 0
