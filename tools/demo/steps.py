# SPDX-License-Identifier: Apache-2.0
"""Named steps, run in order, timed, told on one line each; the first that does not hold ends the run."""

import dataclasses
import sys
import time
from collections.abc import Callable, Iterator


class StepFailed(Exception):
    """A step does not hold; the text says what was expected and what was found."""


def expect(holds: object, sentence: str) -> None:
    """:raises StepFailed: with this sentence, unless ``holds``."""
    if not holds:
        raise StepFailed(sentence)


@dataclasses.dataclass(frozen=True, slots=True)
class Done:
    name: str
    seconds: float
    note: str


class Steps:
    """Runs steps and remembers how long each took."""

    def __init__(self) -> None:
        self.done: list[Done] = []

    def run(self, name: str, action: Callable[[], object]) -> object:
        """Run one step; what it returns, if it is text, is shown as its note."""
        print(f'  {name} ...', end='', flush=True)
        started = time.monotonic()
        result = action()
        seconds = time.monotonic() - started
        note = result if isinstance(result, str) else ''
        self.done.append(Done(name, seconds, note))
        print(f'\r  {name:<58} {seconds:6.1f} s   {note}', flush=True)
        return result

    def table(self) -> Iterator[str]:
        """The lines of the closing table."""
        width = max(len(done.name) for done in self.done)
        yield f'  {"step":<{width}}  seconds'
        for done in self.done:
            yield f'  {done.name:<{width}}  {done.seconds:7.1f}'
        yield f'  {"in all":<{width}}  {sum(done.seconds for done in self.done):7.1f}'


def wait_for(what: str, probe: Callable[[], object], timeout_s: float = 60.0, pause_s: float = 0.1) -> object:
    """What ``probe`` returns, once it is true. :raises StepFailed: not within ``timeout_s``."""
    deadline = time.monotonic() + timeout_s
    while not (found := probe()):
        if time.monotonic() > deadline:
            raise StepFailed(f'{what}: not within {timeout_s:g} s')
        time.sleep(pause_s)
    return found


def say(text: str) -> None:
    """Print a line that stands out from the steps."""
    print(f'\n== {text}', flush=True)
    sys.stdout.flush()
