# SPDX-License-Identifier: Apache-2.0
"""Run steps as soon as what they need is done, and tell of each."""

import collections.abc
import concurrent.futures
import dataclasses
import threading
import time


@dataclasses.dataclass(frozen=True)
class Step:
    """Something to do once the steps it needs are done."""

    name: str
    act: collections.abc.Callable[[threading.Event], None]
    needs: tuple[str, ...] = ()
    outcome: str = 'done'


Report = collections.abc.Callable[[Step, float], None]


def run(steps: collections.abc.Sequence[Step], report: Report) -> None:
    """Run every step; the first failure cancels the rest and is raised.

    ``act`` gets an event that is set when it should give up; ``report`` is
    called with the step and its seconds. A need nobody provides is met.
    """
    waiting = {step.name: step for step in steps}
    known = set(waiting)
    done: set[str] = set()
    cancelled = threading.Event()
    with concurrent.futures.ThreadPoolExecutor(len(steps) or 1) as pool:
        running: dict[concurrent.futures.Future, Step] = {}
        try:
            while waiting or running:
                for step in _ready(waiting, known, done):
                    del waiting[step.name]
                    running[pool.submit(_timed, step, cancelled)] = step
                finished, _ = concurrent.futures.wait(
                    running,
                    return_when=concurrent.futures.FIRST_COMPLETED)
                for future in finished:
                    step = running.pop(future)
                    report(step, future.result())
                    done.add(step.name)
        except BaseException:
            cancelled.set()
            raise


def _ready(waiting: dict[str, Step], known: set[str],
           done: set[str]) -> list[Step]:
    found = [step for step in waiting.values()
             if done.issuperset(known.intersection(step.needs))]
    if waiting and not found and known == done | set(waiting):
        raise ValueError(f'These steps need each other: {sorted(waiting)}')
    return found


def _timed(step: Step, cancelled: threading.Event) -> float:
    began = time.monotonic()
    step.act(cancelled)
    return time.monotonic() - began
