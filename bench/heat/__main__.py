# SPDX-License-Identifier: Apache-2.0
"""``python -m bench.heat``: a hundred containers in one stack of the minicloud. Needs root.

Beside it, in turns: a stack of as many resources that do nothing, and the docker SDK making the same containers.
"""

import argparse
import dataclasses
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench import minicloud, program
from bench.contender import BenchFailed
from bench.heat import report as heat_report
from bench.heat import templates as heat_templates
from bench.heat.report import Results, Samples, Shape
from bench.heat.script import Script
from bench.heat.stacks import Stacks, Visitor
from tools.images import build
from tools.images.demo_httpd import NAME

_IMAGE, _ENDPOINT = f'{NAME}:latest', 'local'
_IDLE_S = 10.0


@dataclasses.dataclass(frozen=True, slots=True)
class Bench:
    """Who takes part."""

    stacks: Stacks
    script: Script
    visitor: Visitor

    def run(self, found: Results, rounds: dict[str, int]) -> None:
        """All rounds, by their shapes. Small ones of all warm up."""
        for template in (heat_templates.containers(heat_templates.AT_ONCE, 2, _IMAGE, _ENDPOINT),
                         heat_templates.nothing(heat_templates.AT_ONCE, 2)):
            self.stacks.delete(self.stacks.create(template)[0])
        self.script.delete(self.script.create(2)[0])
        with self.visitor.asking(found.idle):
            time.sleep(_IDLE_S)
        for shape, wanted in rounds.items():
            samples = found.shapes[shape] = Shape()
            for number in range(wanted):
                self._round(found, shape, samples, number)
                _tell(f'{shape}, round {number + 1} of {wanted}, seconds up/down: ' + ', '.join(
                    f'{name} {one.up[-1]:.1f}/{one.down[-1]:.1f}' for name, one in (
                        ('containers by Heat', samples.containers), ('nothing by Heat', samples.nothing),
                        ('containers by the SDK', found.script))))

    def _round(self, found: Results, shape: str, samples: Shape, number: int) -> None:
        """Each once, the first one changing."""
        containers = heat_templates.containers(shape, found.count, _IMAGE, _ENDPOINT)
        nothing = heat_templates.nothing(shape, found.count)
        turns = (
            lambda: self._containers(containers, samples.containers, found.count),
            lambda: self._stack(nothing, samples.nothing),
            lambda: self._script(found))
        first = number % len(turns)
        for turn in (*turns[first:], *turns[:first]):
            turn()

    def _containers(self, template: heat_templates.Template, samples: Samples, count: int) -> None:
        """:raises BenchFailed: the stack is complete and not all run."""
        before = self.script.running()

        def check() -> None:
            if (run := self.script.running() - before) != count:
                raise BenchFailed(f'The stack is complete, but of its {count} containers {run} run')
        self._stack(template, samples, check)

    def _stack(self, template: heat_templates.Template, samples: Samples, check: Callable[[], object] = bool) -> None:
        with self.visitor.asking(samples.answers):
            stack, seconds = self.stacks.create(template)
            samples.up.append(seconds)
            check()
            samples.down.append(self.stacks.delete(stack))

    def _script(self, found: Results) -> None:
        made, seconds = self.script.create(found.count)
        found.script.up.append(seconds)
        found.script.down.append(self.script.delete(made))


def main(argv: Sequence[str] | None = None) -> int:
    """0 whatever the figures are; 1 with a sentence on standard error if something did not run."""
    parser = argparse.ArgumentParser(prog='python -m bench.heat', description=__doc__.splitlines()[0])
    parser.add_argument('--count', type=int, default=100, help='resources of a stack (100)')
    parser.add_argument('--plain', type=int, default=3, help='rounds of stacks without dependencies (3)')
    parser.add_argument('--at-once', type=int, default=5, help='rounds of stacks whose resources begin at once (5)')
    arguments = parser.parse_args(argv)
    wanted = {heat_templates.AT_ONCE: arguments.at_once, heat_templates.PLAIN: arguments.plain}
    rounds = {shape: number for shape, number in wanted.items() if number > 0}

    def act() -> None:
        if not rounds:
            raise BenchFailed('Nothing was to be measured: ask for rounds of one shape at least')
        _tell('the minicloud is looked up, and brought up if it is down')
        with minicloud.running() as variables, tempfile.TemporaryDirectory() as folder:
            found = Results(arguments.count)
            with Script(variables, lambda: build.build(NAME, Path(folder)), _IMAGE) as script, script.nothing_left(), \
                    Stacks(variables) as stacks:
                Bench(stacks, script, Visitor(variables)).run(found, rounds)
            heat_report.report(found)

    return program.ended('bench.heat', act)


def _tell(line: str) -> None:
    print(f'{time.strftime("%H:%M:%S")} {line}', flush=True)


if __name__ == '__main__':
    sys.exit(main())
