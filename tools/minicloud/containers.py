# SPDX-License-Identifier: Apache-2.0
"""The containers of the private engine, over its Docker API."""

import contextlib
import http.client
import json
import pathlib

from tools.minicloud import errors
from tools.minicloud import instance
from tools.minicloud import probes

_CGROUPS = pathlib.Path('/sys/fs/cgroup')


def stop_all(cloud: instance.Instance) -> int:
    """Stop every running container, as a host's shutdown would.

    Their records stay, so the next `up` resumes the servers. Returns how many
    there were; 0 if the engine does not run.
    """
    return _each(cloud, '/containers/json', 'POST',
                 '/containers/{}/stop?t=0')


def remove_all(cloud: instance.Instance) -> int:
    """Remove every container of a running engine; how many there were."""
    return _each(cloud, '/containers/json?all=1', 'DELETE',
                 '/containers/{}?force=1&v=1')


def _each(cloud: instance.Instance, listing: str, method: str,
          path: str) -> int:
    if not cloud.path('run', 'engine.sock').is_socket():
        return 0
    try:
        found = json.loads(_request(cloud, 'GET', listing) or '[]')
        for container in found:
            _request(cloud, method, path.format(container['Id']))
    except (OSError, http.client.HTTPException):
        return 0   # it does not run; find_strays knows what is left
    except errors.MinicloudError as error:
        print(f'  {error}')
    return len(found)


def find_strays(cloud: instance.Instance) -> list[int]:
    """Return the pids of processes that live on a root of our engine.

    Tenants' processes carry no mark of ours; but the upper directory of their
    root's overlay is in the folder.
    """
    wanted = f'upperdir={cloud.path("data", "engine")}/'
    return [int(entry.parent.name)
            for entry in pathlib.Path('/proc').glob('[0-9]*/mountinfo')
            if wanted in _root_mount(entry)]


def remove_cgroups(cloud: instance.Instance) -> None:
    """Delete the groups a killed engine left; those in use stay."""
    try:
        from nova_container.runtime import settings
    except ImportError:
        return   # then there was no engine either
    parent = settings.Settings(
        state_dir=cloud.path('data', 'engine'),
        run_dir=cloud.path('run', 'engine')).cgroup_parent.strip('/')
    for top in (_CGROUPS / parent, *_CGROUPS.glob(f'*/{parent}')):
        for folder in sorted(top.glob('**'), reverse=True):   # children first
            with contextlib.suppress(OSError):
                folder.rmdir()


def _root_mount(mountinfo: pathlib.Path) -> str:
    try:
        lines = mountinfo.read_text().splitlines()
    except OSError:
        return ''
    return next((line for line in lines if line.split()[4] == '/'), '')


def _request(cloud: instance.Instance, method: str, path: str) -> bytes:
    connection = probes.UnixConnection(str(cloud.path('run', 'engine.sock')))
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    if answer.status >= 400 and answer.status != 404:
        raise errors.MinicloudError(
            f'The engine answered {method} {path} with {answer.status}: '
            f'{body[:300].decode(errors="replace")}')
    return body
