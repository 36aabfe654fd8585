# SPDX-License-Identifier: Apache-2.0
"""Places that are a project's own: beside its Nova server, and on an engine that it runs and nobody else reaches."""

import pathlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator

import pytest

from tests.cloud.heat.stacks import Stacks
from tests.fixtures import busybox_image
from tests.fixtures.daemon import Daemon
from tests.functional.docker.conftest import pki

__all__ = ['pki']
NAMESPACE, LINK, HERE, THERE, PORT = 'heat-tenant', 'heat-tenant0', '10.214.0.1/30', '10.214.0.2', 2376

BESIDE = '''
heat_template_version: 2021-04-16
parameters:
  asked: {type: string, default: 'http://127.0.0.1/'}
resources:
  vm:
    type: OS::Nova::Server
    properties: {image: demo-httpd, flavor: c1.tiny, networks: [{network: private}]}
  beside:
    type: OS::Docker::Container
    properties:
      server: {get_resource: vm}
      image: demo-httpd:latest
      entrypoint: [sh, -c]
      command: [{str_replace: {template: 'until wget -q -O - URL; do sleep 0.1; done; ip -o -4 addr', params: {
                               URL: {get_param: asked}}}}]
      wait_for: exited
outputs:
  said: {value: {get_attr: [beside, logs]}}
  address: {value: {get_attr: [vm, first_address]}}
  name: {value: {get_attr: [vm, name]}}
'''
OWN = '''
heat_template_version: 2021-04-16
parameters:
  url: {type: string}
  ca: {type: string}
  cert: {type: string}
  key: {type: string, hidden: true}
resources:
  engine:
    type: OS::Docker::Endpoint
    properties:
      url: {get_param: url}
      server_name: localhost
      ca_cert: {get_param: ca}
      client_cert: {get_param: cert}
      client_key: {get_param: key}
      wait_timeout: 1
  job:
    type: OS::Docker::Container
    properties:
      endpoint: {get_resource: engine}
      image: box:1
      command: [sh, -c, 'cat /etc/greeting']
      cap_add: [SYS_ADMIN]
      wait_for: exited
outputs:
  said: {value: {get_attr: [job, logs]}}
  engine: {value: [{get_attr: [engine, address]}, {get_attr: [job, host]}, {get_attr: [engine, api_version]}]}
'''


def test_a_container_beside_a_server_shares_its_address_and_stays_in_its_project(stacks: Stacks, admin_stacks: Stacks,
                                                                                 images, containers):
    stack = stacks.create(BESIDE)
    server, told = stack.ref('vm'), stack.outputs
    assert '<h1>Hello from' in told['said'] and told['address'] in told['said']
    beside = containers.inspect(stack.ref('beside'))
    assert beside['HostConfig']['NetworkMode'] == f'container:{containers.inspect(server)["Id"]}'

    stack.update(BESIDE, asked='http://localhost/')
    assert stack.ref('vm') == server and told['address'] in stack.outputs['said']

    foreign = BESIDE[:BESIDE.index('  vm:')] + BESIDE[BESIDE.index('  beside:'):BESIDE.index('outputs:')]
    theirs = admin_stacks.create(foreign.replace('{get_resource: vm}', server), wanted='CREATE_FAILED')
    assert 'of its own project only' in theirs.reasons()


@pytest.fixture
def elsewhere() -> Iterator[tuple[str, ...]]:
    """What runs a command in a network of its own, which this host reaches."""
    def ip(*words: str) -> None:
        subprocess.run(['ip', *words], check=True, capture_output=True, timeout=20)

    ip('netns', 'add', NAMESPACE)
    try:
        ip('link', 'add', LINK, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', NAMESPACE)
        ip('addr', 'add', HERE, 'dev', LINK)
        ip('link', 'set', LINK, 'up')
        for words in (('addr', 'add', f'{THERE}/30', 'dev', 'eth0'), ('link', 'set', 'eth0', 'up'),
                      ('link', 'set', 'lo', 'up')):
            ip('-n', NAMESPACE, *words)
        yield ('nsenter', f'--net=/run/netns/{NAMESPACE}')
    finally:
        ip('netns', 'delete', NAMESPACE)


@pytest.fixture
def own_engine(elsewhere, pki) -> Iterator[Daemon]:
    """Of the tenant: it listens with TLS at an address that is not of this host, and has one image."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix='nc-', dir='/tmp'))
    daemon = Daemon(folder, prefix=elsewhere, tcp_listen=f'{THERE}:{PORT}', tcp_policy='privileged',
                    tls_ca_file=str(pki / 'ca.pem'), tls_cert_file=str(pki / 'server.pem'),
                    tls_key_file=str(pki / 'server.key'))
    try:
        daemon.start()
        busybox_image.build(folder / 'box.tar', 'box:1', files={'/etc/greeting': 'hello\n'})
        with (folder / 'box.tar').open('rb') as archive:
            daemon.client().load(archive)
        yield daemon
        assert daemon.end() == 0
    finally:
        daemon.kill()
        shutil.rmtree(folder)


def test_an_engine_of_the_tenant_is_reached_by_tls_with_a_hidden_key(stacks: Stacks, own_engine, pki):
    given = {'url': f'tcp://{THERE}:{PORT}', 'ca': (pki / 'ca.pem').read_text(),
             'cert': (pki / 'client.pem').read_text(), 'key': (pki / 'client.key').read_text()}
    stack = stacks.create(OWN, **given)
    told = stack.outputs
    assert told['said'] == 'hello\n' and told['engine'][:2] == [THERE, THERE]
    assert [one.id for one in own_engine.client().list()] == [stack.ref('job')]
    secret = given['key'].splitlines()[1]
    assert secret not in f'{stack.events()} {stack.resource("engine")} {stack.resource("job")} {stack.reasons()}'
    stack.delete()
    assert own_engine.client().list() == ()

    stranger = {'cert': (pki / 'stranger.pem').read_text(), 'key': (pki / 'stranger.key').read_text()}
    refused = stacks.create(OWN, wanted='CREATE_FAILED', **given | stranger)
    assert 'did not answer within 1 s' in refused.reasons()
    here = stacks.create(OWN, wanted='CREATE_FAILED', **given | {'url': f'tcp://{HERE.partition("/")[0]}:{PORT}'})
    assert 'connects to no such address' in here.reasons()
