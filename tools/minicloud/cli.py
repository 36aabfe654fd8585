# SPDX-License-Identifier: Apache-2.0
"""minicloud up | down | status | wipe | env | logs SERVICE | restart SERVICE."""

import argparse
import contextlib
import dataclasses
import fcntl
import json
import os
import sys
import time

from tools.minicloud import access
from tools.minicloud import checks
from tools.minicloud import errors
from tools.minicloud import instance
from tools.minicloud import restart
from tools.minicloud import service
from tools.minicloud import status
from tools.minicloud import teardown
from tools.minicloud import up as bringup


def main() -> int:
    """Run one command; 0 on success, 1 with a sentence on stderr."""
    arguments = _parser().parse_args()
    try:
        return arguments.run(arguments) or 0
    except errors.MinicloudError as error:
        print(f'minicloud: {error}', file=sys.stderr)
        return 1
    except PermissionError as error:
        print(f'minicloud: {error.filename} is not open to this user: run '
              'minicloud as root.', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print('minicloud: stopped half way; `minicloud down` cleans up.',
              file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='minicloud', description='A whole OpenStack on one machine.')
    verbs = parser.add_subparsers(required=True, metavar='COMMAND')

    def verb(name: str, run, text: str) -> argparse.ArgumentParser:
        added = verbs.add_parser(name, help=text, description=text)
        added.set_defaults(run=run)
        return added

    verb('up', _up, 'Start everything and wait until it serves.')
    verb('down', _down, 'Stop everything; only the folder remains.')
    verb('wipe', _wipe, 'Stop everything and delete the folder.')
    verb('env', _env, 'Print the shell lines that point a client here.')
    verb('status', _status, 'Show every service.').add_argument(
        '--json', action='store_true', help='print a JSON list')
    logs = verb('logs', _logs, 'Print the log of a service.')
    logs.add_argument('service')
    logs.add_argument('-f', '--follow', action='store_true',
                      help='keep printing what is appended')
    verb('restart', _restart, 'Restart one service.').add_argument('service')
    return parser


def _up(_) -> int | None:
    checks.root()
    home = instance.find_home()
    with _only_one(home):
        cloud = instance.load(home) or instance.create(home)
        if bringup.is_complete(cloud) and _all_run(cloud):
            print('minicloud is up already.')
            return None
        if teardown.is_dirty(cloud):
            _recover(cloud)
        print(f'minicloud {cloud.id} in {home}, ports from '
              f'{cloud.ports.base}, nova-compute driver: '
              f'{bringup.choose_driver()}')
        seconds = bringup.up(cloud)
        access.write(cloud)
    print(f'minicloud is up in {seconds:.1f} s. Next: '
          f'eval "$({_launcher()} env)"; openstack server list')
    return None


def _recover(cloud: instance.Instance) -> None:
    dead = [line.service for line in status.lines(cloud)
            if line.state == 'dead']
    what = f'{", ".join(dead)} died' if dead else 'it did not finish'
    print(f'An earlier run is half dead ({what}); it is cleaned up first.')
    teardown.down(cloud)


def _down(_) -> None:
    checks.root()
    cloud = _existing(instance.find_home())
    with _only_one(cloud.home):
        teardown.down(cloud)
    print('minicloud is down.')


def _wipe(_) -> None:
    checks.root()
    home = instance.find_home()
    if not home.exists():
        print(f'There is nothing at {home}.')
        return
    cloud = _existing(home)
    with _only_one(home):
        teardown.wipe(cloud)
    print(f'minicloud is gone, and {home} with it.')


def _env(_) -> None:
    print(access.shell_lines(_existing(instance.find_home())))


def _status(arguments) -> int:
    cloud = _existing(instance.find_home())
    found = status.lines(cloud)
    if arguments.json:
        print(json.dumps([dataclasses.asdict(line) for line in found]))
    else:
        print(status.table(found))
        print(status.heat(cloud))
    return 0 if all(line.state == 'running' for line in found) else 3


def _all_run(cloud: instance.Instance) -> bool:
    return all(line.state == 'running' for line in status.lines(cloud))


def _logs(arguments) -> None:
    cloud = _existing(instance.find_home())
    path = service.log_path(cloud, arguments.service)
    if not path.exists():
        known = sorted(log.stem for log in cloud.path('logs').glob('*.log'))
        raise errors.MinicloudError(
            f'There is no log of `{arguments.service}`; there are those of '
            f'{", ".join(known) or "nothing yet"}.')
    with path.open(errors='replace') as log:
        while True:
            sys.stdout.write(log.read())
            sys.stdout.flush()
            if not arguments.follow:
                return
            time.sleep(0.3)


def _restart(arguments) -> None:
    checks.root()
    cloud = _existing(instance.find_home())
    with _only_one(cloud.home):
        for name, seconds in restart.restart(cloud, arguments.service):
            print(f'  {name:<26} ready  {seconds:6.1f} s', flush=True)


def _existing(home) -> instance.Instance:
    cloud = instance.load(home)
    if cloud is None:
        raise errors.MinicloudError(
            f'There is no minicloud in {home}; `minicloud up` makes one, and '
            'MINICLOUD_HOME chooses another folder.')
    return cloud


@contextlib.contextmanager
def _only_one(home):
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(home / 'lock', 'w') as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise errors.MinicloudError(
                f'Another minicloud command works on {home}; wait for it '
                'to end.') from None
        yield


def _launcher() -> str:
    return os.environ.get('MINICLOUD_LAUNCHER', 'tools/minicloud/minicloud')
