# SPDX-License-Identifier: Apache-2.0
"""``nova-container-status``: what a host lacks to run containers well, and whether it is ready for this version.

``check`` prints a line a check, OK, WARN or FAIL with what to do; ``upgrade check`` is the form other OpenStack
services have. Both end with 0 (all OK), 1 (a warning) or 2 (a failure). Neither changes anything.
"""

import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from oslo_config import cfg
from oslo_upgradecheck import upgradecheck

from nova_container import conf as options
from nova_container.cmd.checks import CHECKS, UPGRADE_CHECKS, Check, Host, Level, run_check
from nova_container.cmd.engine import settings_from

_CONFIG_FILE = '/etc/nova-container/engine.conf'


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command of this program. Exit code 0, 1 or 2 as said above; 2 for a configuration that cannot be read."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    files = [path for path in (_CONFIG_FILE,) if os.path.exists(path)]
    conf = cfg.ConfigOpts()
    options.register_engine_opts(conf)
    conf.register_cli_opt(cfg.SubCommandOpt('command', handler=_add_commands, title='Commands'))
    try:
        conf(arguments, project='nova-container', prog='nova-container-status', default_config_files=files)
        host = Host(settings_from(conf))
    except cfg.Error as error:
        print(f'nova-container-status: {error}', file=sys.stderr)
        return int(Level.FAIL)
    if conf.command.name == 'check':
        return _print_findings(host)
    again = cfg.ConfigOpts()
    options.register_engine_opts(again)
    return int(upgradecheck.main(again, 'nova-container', _upgrade_commands(host), arguments, files))


def _add_commands(commands: Any) -> None:
    commands.add_parser('check', help='what this host lacks to run containers well')
    upgrade = commands.add_parser('upgrade', help='whether this host is ready for this version')
    upgrade.add_argument('what', choices=['check'])
    upgrade.add_argument('--json', action='store_true')


def _print_findings(host: Host) -> int:
    worst = Level.OK
    for name, check in CHECKS:
        found = run_check(check, host)
        worst = max(worst, found.level)
        print(f'{found.level.name:<4}  {name}: {found.text}')
    return int(worst)


def _upgrade_commands(host: Host) -> upgradecheck.UpgradeCommands:
    def result(check: Check) -> Callable[[object], upgradecheck.Result]:
        def run(commands: object) -> upgradecheck.Result:
            del commands
            found = run_check(check, host)
            return upgradecheck.Result(upgradecheck.Code(found.level), found.text)
        return run

    commands = upgradecheck.UpgradeCommands()
    commands._upgrade_checks = tuple((name, result(check)) for name, check in UPGRADE_CHECKS)
    return commands


if __name__ == '__main__':
    sys.exit(main())
