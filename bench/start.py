# SPDX-License-Identifier: Apache-2.0
"""``python -m bench.start``: our engine, dockerd and podman start and remove containers, in turns. Needs root."""

import argparse
import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench import figures, isolation, program, table
from bench.builtin import Builtin
from bench.contender import IMAGE, Contender
from bench.dockerd import Dockerd
from bench.podman import Podman
from bench.rounds import Many, Samples, many, take_turns
from tests.fixtures import busybox_image

_WIDTHS = (1, 4, 8)
_RIVAL_WIDTH = 4
_WARM_UP = 2


def main(argv: Sequence[str] | None = None) -> int:
    """0 whatever the figures are; 1 with a sentence on standard error if something did not run."""
    parser = argparse.ArgumentParser(prog='python -m bench.start', description=__doc__)
    parser.add_argument('--rounds', type=int, default=30, help='containers of each engine, in turns (30)')
    parser.add_argument('--count', type=int, default=100, help='containers at once (100)')
    arguments = parser.parse_args(argv)

    def act() -> None:
        isolation.enter('bench.start')
        with isolation.workspace(Path(tempfile.gettempdir(), f'ncbench-{os.getpid()}')) as folder:
            _measure(folder, arguments.rounds, arguments.count)

    return program.ended('bench.start', act)


def _measure(folder: Path, rounds: int, count: int) -> None:
    busybox_image.build(folder / 'image.tar', IMAGE)
    players: list[Contender] = [Builtin(folder), Dockerd(folder), Podman(folder)]
    with contextlib.ExitStack() as stack:
        for player in players:
            stack.callback(player.down)
            player.up(folder / 'image.tar')
            _tell(f'{player.name}: {player.version()}')
        samples = take_turns(players, rounds, _WARM_UP, _tell)
        crowds = _crowds(players, count)
    report(samples, crowds)


def _crowds(players: Sequence[Contender], count: int) -> dict[tuple[str, int], Many]:
    found = {}
    for player in players:
        for width in _WIDTHS if player.name == Builtin.name else (_RIVAL_WIDTH,):
            crowd = many(player, count, width)
            found[player.name, width] = crowd
            _tell(f'{player.name}: {count} containers, {width} at a time: {crowd.up_s:.1f} s up, '
                  f'{crowd.down_s:.1f} s down')
    return found


def report(samples: Mapping[str, Samples], crowds: Mapping[tuple[str, int], Many]) -> None:
    """Print the tables and the line of pairs."""
    ours, dockerd, podman = samples['ours'], samples['dockerd'], samples['podman']
    crowd = crowds['ours', 4]
    values = {
        'create_ms_ours': figures.median(ours.running), 'create_ms_dockerd': figures.median(dockerd.running),
        'create_ms_podman': figures.median(podman.running),
        'create_ratio_dockerd': figures.ratio(dockerd.running, ours.running),
        'create_ratio_podman': figures.ratio(podman.running, ours.running),
        'remove_ratio_dockerd': figures.ratio(dockerd.removed, ours.removed),
        'rate_100x4_per_s': crowd.rate_per_s, 'monitor_pss_kib': crowd.monitor_pss_kib,
        'daemon_rss_mib': crowd.daemon_rss_kib / 1024}
    print('\n' + table.render(('ms, median / p90', *samples), _turn_rows(samples)))
    print('\n' + table.render(('many at once', 'up s', 'rate /s', 'down s', 'monitor PSS KiB', 'daemons RSS MiB'),
                              _crowd_rows(crowds)))
    print('\n' + table.render(('target', 'measured', 'wanted', ''), [each.cells() for each in targets(values)]))
    print('\n' + figures.pairs(values))


def targets(values: Mapping[str, float]) -> tuple[figures.Target, ...]:
    """What the project promised of these figures."""
    return (
        figures.Target('create to running, dockerd over ours', values['create_ratio_dockerd'], 5, True),
        figures.Target('create to running, podman over ours', values['create_ratio_podman'], 3, True),
        figures.Target('kill to removed, dockerd over ours', values['remove_ratio_dockerd'], 5, True),
        figures.Target('containers a second, 4 at a time', values['rate_100x4_per_s'], 30, True),
        figures.Target('monitor memory a container (PSS)', values['monitor_pss_kib'], 512, False, ' KiB'),
        figures.Target('daemon memory with 100 containers (RSS)', values['daemon_rss_mib'], 80, False, ' MiB'))


def _turn_rows(samples: Mapping[str, Samples]) -> list[list[str]]:
    rows = []
    for what, field in (('create to running', 'running'), ('create to first output', 'output'),
                        ('kill to removed', 'removed')):
        series = [getattr(each, field) for each in samples.values()]
        rows.append([what, *(f'{figures.median(one):.1f} / {figures.percentile(one, 90):.1f}' for one in series)])
    return rows


def _crowd_rows(crowds: Mapping[tuple[str, int], Many]) -> list[list[str]]:
    return [[f'{name}, {each.count} containers, {width} at a time', f'{each.up_s:.1f}', f'{each.rate_per_s:.1f}',
             f'{each.down_s:.1f}', f'{each.monitor_pss_kib:.0f}', f'{each.daemon_rss_kib / 1024:.0f}']
            for (name, width), each in crowds.items()]


def _tell(line: str) -> None:
    print(f'{time.strftime("%H:%M:%S")} {line}', flush=True)


if __name__ == '__main__':
    sys.exit(main())
