# SPDX-License-Identifier: Apache-2.0
"""testcontainers for Python starts, uses and stops containers of the built-in engine.

Its reaper is a container of an image that is not here, so it is switched off; the test sees that nothing is left.
"""

import os
import subprocess
import sys

import pytest

from tests.functional.docker.same import places

pytestmark = pytest.mark.root

_PROGRAM = """
import urllib.request
from testcontainers.core.container import DockerContainer
from testcontainers.core.network import Network
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

with Network() as network:
    served = (DockerContainer('box:1').with_command("sh -c 'echo ready to serve; exec httpd -f -p 80 -h /etc'")
              .with_exposed_ports(80).with_env('A', 'b').with_network(network).with_network_aliases('served')
              .waiting_for(LogMessageWaitStrategy('ready to serve')))
    with served:
        address = f'http://{served.get_container_host_ip()}:{served.get_exposed_port(80)}/group'
        print(urllib.request.urlopen(address, timeout=10).read().decode().splitlines()[0])
        print(served.exec(['sh', '-c', 'echo $A']).output.decode().strip())
        print(served.get_logs()[0].decode().strip())
        with DockerContainer('box:1').with_command('sleep 600').with_network(network) as other:
            print(other.exec('wget -q -O - http://served/group').output.decode().splitlines()[0])
        print(served.get_wrapped_container().status)
"""


@pytest.fixture
def place():
    with places.builtin('') as found:
        yield found


def test_containers_are_started_used_and_stopped(place):
    environment = {'PATH': os.environ['PATH'], 'DOCKER_HOST': place.url, 'HOME': str(place.folder),
                   'DOCKER_CONFIG': str(place.folder / 'config')}

    def docker(*words):
        return subprocess.run(['docker', *words], env=environment, capture_output=True, text=True, check=True,
                              timeout=60).stdout

    docker('load', '-i', str(place.folder / 'box.tar'))
    networks = docker('network', 'ls', '-q')
    done = subprocess.run([*place.prefix, sys.executable, '-c', _PROGRAM], capture_output=True, text=True, check=False,
                          timeout=120, env={**environment, 'TESTCONTAINERS_RYUK_DISABLED': 'true'})
    assert done.returncode == 0, done.stderr
    assert done.stdout.split('\n') == ['root:x:0:', 'b', 'ready to serve', 'root:x:0:', 'running', '']
    assert docker('ps', '-aq') == ''
    assert docker('network', 'ls', '-q') == networks
