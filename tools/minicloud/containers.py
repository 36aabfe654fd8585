# SPDX-License-Identifier: Apache-2.0
"""The containers of the private engine, over its Docker API."""

import http.client
import json

from tools.minicloud import errors
from tools.minicloud import instance
from tools.minicloud import probes


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
        return 0   # it does not run; the sweep of down ends what is left
    return len(found)


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
