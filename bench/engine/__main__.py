# SPDX-License-Identifier: Apache-2.0
"""``python -m bench.engine``: what an engine does, ours and dockerd in turns, as ratios of medians. Needs root."""

import argparse
import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench import isolation, program
from bench.builtin import Builtin
from bench.contender import IMAGE
from bench.daemons import command
from bench.dockerd import Dockerd
from bench.engine import container_rows, image_rows, network_rows, report
from bench.engine.registry import Registry
from bench.engine.row import Measured, Player, Row, Workshop, measure
from tests.fixtures import busybox_image

_ROWS: tuple[Row, ...] = (*image_rows.rows(), *container_rows.rows(), *network_rows.rows())


def main(argv: Sequence[str] | None = None) -> int:
    """0 whatever the figures are; 1 with a sentence on standard error if something did not run."""
    names = [row.name for row in _ROWS]
    parser = argparse.ArgumentParser(prog='python -m bench.engine', description=__doc__)
    parser.add_argument('--rounds', type=int, default=30, help='the most rounds of a row; long ones have fewer (30)')
    parser.add_argument('--only', action='append', choices=names, metavar='ROW', default=[],
                        help=f'only this row, may be repeated: {", ".join(names)}')
    arguments = parser.parse_args(argv)
    chosen = [row for row in _ROWS if not arguments.only or row.name in arguments.only]

    def act() -> None:
        isolation.enter('bench.engine')
        with isolation.workspace(Path(tempfile.gettempdir(), f'ncbench-{os.getpid()}')) as folder:
            report.show(_measure(folder, chosen, arguments.rounds))

    return program.ended('bench.engine', act)


def _measure(folder: Path, rows: Sequence[Row], rounds: int) -> list[Measured]:
    busybox_image.build(folder / 'image.tar', IMAGE)
    players: list[Player] = [Builtin(folder), Dockerd(folder)]
    with contextlib.ExitStack() as stack:
        registry = Registry(folder / 'registry')
        stack.callback(registry.stop)
        for player in players:
            stack.callback(player.down)
            player.up(folder / 'image.tar')
            _tell(f'{player.name}: {player.version()}')
        _let_through()
        shop = Workshop(folder, registry)
        return [measure(row, shop, players, rounds, _tell) for row in rows]


def _let_through() -> None:
    """dockerd drops what the host forwards; our bridges need a way through that, as README.md says."""
    for direction in ('--in-interface', '--out-interface'):
        command(['iptables', '--insert', 'FORWARD', direction, 'nc-+', '--jump', 'ACCEPT'])


def _tell(line: str) -> None:
    print(f'{time.strftime("%H:%M:%S")} {line}', flush=True)


if __name__ == '__main__':
    sys.exit(main())
