# SPDX-License-Identifier: Apache-2.0
"""``python -m bench.server``: servers made, rebooted, snapshotted and deleted in the minicloud. Needs root.

The shapes are those of Boden Russell's test of 2014: 15 serial boots of a cached image, soft reboots, a snapshot.
"""

import argparse
import dataclasses
import sys
import time
from collections.abc import Sequence

from bench import boden, figures, minicloud, program, spawn_log, table
from bench.cloud import Cloud, ServerFailed
from bench.contender import BenchFailed

_LOG_LAG_S = 5.0


@dataclasses.dataclass(slots=True)
class Results:
    """Seconds of every action; ``wanted`` servers were asked for, and ``boots`` became ACTIVE."""

    wanted: int
    boots: list[float] = dataclasses.field(default_factory=list)
    spawns: list[spawn_log.Spawn] = dataclasses.field(default_factory=list)
    reboots: list[float] = dataclasses.field(default_factory=list)
    snapshots: list[float] = dataclasses.field(default_factory=list)
    deletes: list[float] = dataclasses.field(default_factory=list)


def main(argv: Sequence[str] | None = None) -> int:
    """0 whatever the figures are; 1 with a sentence on standard error if something did not run."""
    parser = argparse.ArgumentParser(prog='python -m bench.server', description=__doc__.splitlines()[0])
    parser.add_argument('--servers', type=int, default=15, help='serial boots (15)')
    parser.add_argument('--reboots', type=int, default=5, help='soft reboots of the last one (5)')
    parser.add_argument('--snapshots', type=int, default=3, help='snapshots of it (3)')
    arguments = parser.parse_args(argv)

    def act() -> None:
        _tell('the minicloud is looked up, and brought up if it is down')
        with minicloud.running() as variables, Cloud(variables) as cloud:
            report(_measure(cloud, arguments.servers, arguments.reboots, arguments.snapshots))

    return program.ended('bench.server', act, (BenchFailed, ServerFailed))


def _measure(cloud: Cloud, servers: int, reboots: int, snapshots: int) -> Results:
    found = Results(wanted=servers)
    cloud.delete(cloud.boot('bench-warm-up')[0])  # the image is cached from here on
    booted = []
    for number in range(servers):
        last = number == servers - 1
        try:
            server, seconds = cloud.boot(f'bench-{number}')
        except ServerFailed as error:
            _tell(f'server {number + 1} of {servers} is in ERROR: {error}')
            continue
        booted.append(server)
        found.boots.append(seconds)
        if last:
            found.reboots = [cloud.reboot(server) for _ in range(reboots)]
            found.snapshots = [cloud.snapshot(server, f'bench-snapshot-{each}') for each in range(snapshots)]
        found.deletes.append(cloud.delete(server))
        _tell(f'server {number + 1} of {servers}: ACTIVE in {seconds:.2f} s, gone in {found.deletes[-1]:.2f} s')
    if not booted or not found.reboots or not found.snapshots:
        raise BenchFailed('The last server, which is rebooted and snapshotted, did not become ACTIVE')
    found.spawns = _spawns(booted)
    return found


def _spawns(servers: Sequence[str]) -> list[spawn_log.Spawn]:
    """What the driver told of these servers. :raises BenchFailed: of one it told nothing."""
    deadline = time.monotonic() + _LOG_LAG_S
    while True:
        told = spawn_log.parse(minicloud.log_of('nova-compute'))
        missing = [server for server in servers if server not in told]
        if not missing:
            return [told[server] for server in servers]
        if time.monotonic() > deadline:
            raise BenchFailed(f'nova-compute logged no spawn of {len(missing)} of {len(servers)} servers')
        time.sleep(0.5)


def report(found: Results) -> None:
    """Print the tables and the line of pairs."""
    driver_ms = [spawn.driver_s * 1000 for spawn in found.spawns]
    values: dict[str, float] = {
        'active': len(found.boots), 'boot_s_median': figures.median(found.boots),
        'driver_ms_median': figures.median(driver_ms), 'reboot_s_median': figures.median(found.reboots),
        'delete_s_median': figures.median(found.deletes), 'snapshot_s_median': figures.median(found.snapshots)}
    print('\n' + table.render(
        ('s', 'median', 'p90', 'n', 'nova-docker 2014', 'KVM 2014'),
        [_row('server create to ACTIVE', found.boots, boden.BOOT),
         _row('soft reboot', found.reboots, boden.SOFT_REBOOT), _row('delete', found.deletes, boden.DELETE),
         _row('snapshot', found.snapshots, boden.SNAPSHOT)]))
    print('2014: averages of Boden Russell, v2.0, on another machine with another OpenStack: context, no comparison.')
    print('\n' + table.render(('in the driver, ms', 'median', 'p90'), _step_rows(found.spawns, driver_ms)))
    print('\n' + table.render(('target', 'measured', 'wanted', ''), [
        figures.Target('driver share of a boot, cached image', values['driver_ms_median'], 150, False, ' ms').cells(),
        figures.Target('servers that became ACTIVE', len(found.boots), found.wanted, True).cells()]))
    print('\n' + figures.pairs(values))


def _row(what: str, samples: Sequence[float], then: boden.Figure) -> list[str]:
    return [what, f'{figures.median(samples):.2f}', f'{figures.percentile(samples, 90):.2f}', str(len(samples)),
            f'{then.docker_s:.2f}', f'{then.kvm_s:.2f}']


def _step_rows(spawns: Sequence[spawn_log.Spawn], driver_ms: Sequence[float]) -> list[list[str]]:
    names = dict.fromkeys(name for spawn in spawns for name in spawn.steps_s)
    series = {f'{name}{" (Neutron)" if name in spawn_log.NEUTRON else ""}':
              [spawn.steps_s.get(name, 0.0) * 1000 for spawn in spawns] for name in names}
    series['all but Neutron: the share of the driver'] = list(driver_ms)
    return [[name, f'{figures.median(each):.0f}', f'{figures.percentile(each, 90):.0f}']
            for name, each in series.items()]


def _tell(line: str) -> None:
    print(f'{time.strftime("%H:%M:%S")} {line}', flush=True)


if __name__ == '__main__':
    sys.exit(main())
