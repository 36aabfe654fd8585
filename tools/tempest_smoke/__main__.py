# SPDX-License-Identifier: Apache-2.0
"""Run tempest's smoke tests of identity, flavors, images and servers; keep the list that was run and its result.

Nothing is excluded: ``result.txt`` beside this file has a line for each test that the expression selects. A test
that tempest skips says why in its own output.
"""

import csv
import io
import os
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

import openstack
import yaml

from tools.demo.cloud import BIN, HOME, TOP
from tools.tempest_smoke import settings

SELECTED = r'^tempest\.api\.(identity|image|compute\.(flavors|images|servers))\.(?=.*\bsmoke\b)'
RESULT = Path(__file__).with_name('result.txt')
MINICLOUD = TOP / 'tools' / 'minicloud' / 'minicloud'


def main() -> int:
    """Exit code 0 if every test passed or was skipped by tempest itself."""
    if subprocess.run([str(MINICLOUD), 'up'], check=False).returncode:
        print('tempest-smoke: the minicloud did not come up (see above)', file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix='tempest-') as name:
        workspace = _workspace(Path(name))
        code = _tempest('run', '--regex', sys.argv[1] if len(sys.argv) > 1 else SELECTED, '--concurrency', '1',
                        cwd=workspace)
        rows = _results(workspace)
    if len(sys.argv) == 1:
        RESULT.write_text(_report(rows), 'utf-8')
        print(f'The list and its result are in {RESULT.relative_to(TOP)}')
    return code or int(not rows)


def _tempest(*arguments: str, cwd: Path) -> int:
    environment = {**os.environ, 'PATH': f'{BIN}:{os.environ["PATH"]}'}
    return subprocess.run([str(BIN / 'tempest'), *arguments], cwd=cwd, env=environment, check=False).returncode


def _workspace(folder: Path) -> Path:
    """A tempest workspace with its configuration."""
    workspace = folder / 'smoke'
    _tempest('init', '--name', 'smoke', '--workspace-path', str(folder / 'workspaces.yaml'), str(workspace), cwd=folder)
    clouds = yaml.safe_load((HOME / 'clouds.yaml').read_text('utf-8'))['clouds']
    os.environ['OS_CLIENT_CONFIG_FILE'] = str(HOME / 'clouds.yaml')
    cloud = openstack.connect(cloud='minicloud-admin')
    image = cloud.image.find_image('demo-system', ignore_missing=False).id
    flavors = tuple(cloud.compute.find_flavor(name, ignore_missing=False).id for name in ('c1.small', 'c1.medium'))
    public = cloud.network.find_network('public', ignore_missing=False).id
    (workspace / 'etc' / 'tempest.conf').write_text(settings.tempest_conf(
        clouds['minicloud-admin'], images=(image, image), flavors=(flavors[0], flavors[1]), public=public,
        folder=workspace), 'utf-8')
    return workspace


def _results(workspace: Path) -> list[dict[str, str]]:
    """One row a test: test, status, start_time, stop_time."""
    told = subprocess.run([str(BIN / 'stestr'), 'last', '--subunit'], cwd=workspace, capture_output=True, check=False)
    table = subprocess.run([str(BIN / 'subunit2csv'), '--no-passthrough'], input=told.stdout, capture_output=True,
                           check=False).stdout.decode('utf-8', 'replace')
    return sorted(csv.DictReader(io.StringIO(table)), key=lambda row: row['test'])


def _report(rows: list[dict[str, str]]) -> str:
    counted = {status: sum(row['status'] == status for row in rows) for status in ('success', 'skip', 'fail')}
    versions = ', '.join(f'{name} {metadata.version(name)}' for name in ('tempest', 'nova', 'neutron', 'glance',
                                                                        'keystone'))
    head = [f'tempest run --regex {SELECTED!r}   (run_validation = True)', versions,
            '   '.join(f'{status} {count}' for status, count in counted.items()), '']
    return '\n'.join([*head, *(f'{row["status"]:<8} {row["test"]}' for row in rows), ''])


if __name__ == '__main__':
    sys.exit(main())
