# SPDX-License-Identifier: Apache-2.0
"""docker compose runs an application of three services on the built-in engine, and takes it down to nothing.

Debian's docker-compose is the old one, of Python; the current one, of Go, is the plug-in ``docker compose`` by itself.
"""

import json
import os
import pathlib
import subprocess
import sys
import threading
import time

import pytest

from tests.conformance import presence
from tests.functional.docker.same import places

pytestmark = pytest.mark.root

_APPLICATION = """
services:
  store:
    image: box:1
    command: sh -c 'echo stored > /data/file; sleep 1; touch /tmp/ready; echo store is up; exec httpd -f -p 80 -h /data'
    volumes: ["data:/data"]
    networks: [back]
    healthcheck: {test: "test -e /tmp/ready", interval: 200ms, timeout: 5s, retries: 50}
    stop_grace_period: 0s
  worker:
    image: box:1
    command: sh -c 'wget -q -O - http://store/file; echo worker is up; exec sleep 600'
    environment: {MODE: test}
    depends_on: {store: {condition: service_healthy}}
    networks: {back: {aliases: [helper]}}
    stop_grace_period: 0s
  web:
    build: {context: ., args: {WORD: built}}
    image: web:1
    depends_on: [worker]
    ports: ["127.0.0.1:18090:80"]
    networks: {front: {ipv4_address: 10.98.1.9}, back: {}}
    read_only: true
    tmpfs: [/run]
    restart: unless-stopped
    ulimits: {nofile: 99}
    labels: {kind: web}
    stop_grace_period: 0s
volumes:
  data: {labels: {kept: "no"}}
networks:
  front: {ipam: {config: [{subnet: 10.98.1.0/24}]}}
  back: {internal: true}
"""
_DOCKERFILE = 'FROM box:1\nARG WORD\nRUN mkdir /www && echo $WORD > /www/page\nCMD httpd -f -p 80 -h /www\n'


class Application:
    """The folder of the application, and programs run in it, with the engine's address, in the engine's network."""

    def __init__(self, place, program, joint):
        self.place, self.program, self._joint = place, program, joint
        self._environment = {
            'PATH': f'{os.environ["PATH"]}:/usr/sbin:/sbin', 'DOCKER_HOST': place.url, 'HOME': str(place.folder),
            'DOCKER_CONFIG': str(place.folder / 'config'), 'DOCKER_BUILDKIT': '0', 'LC_ALL': 'C.UTF-8',
            'COMPOSE_PROJECT_NAME': 'app', 'COMPOSE_HTTP_TIMEOUT': '60'}
        (place.folder / 'docker-compose.yml').write_text(_APPLICATION)
        (place.folder / 'Dockerfile').write_text(_DOCKERFILE)

    def begin(self, *words):
        return subprocess.Popen([*self.place.prefix, *map(str, words)], env=self._environment, cwd=self.place.folder,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def run(self, *words):
        with self.begin(*words) as child:
            said = child.communicate(timeout=120)[0]
        assert child.returncode == 0, said
        return said

    def compose(self, *words):
        return self.run(self.program, *words)

    def docker(self, *words):
        return self.run('docker', *words)

    def inspect(self, service, number=1):
        return json.loads(self.docker('inspect', self.name(service, number)))[0]

    def name(self, service, number=1):
        return self._joint.join(('app', service, str(number)))

    def status(self, service):
        return self.inspect(service)['State']['Status']


@pytest.fixture(scope='module', params=['of Debian', 'current'])
def app(request):
    for program in ('docker-compose', 'docker', 'curl'):
        presence.require_program(program)
    old = request.param == 'of Debian'
    folder = pathlib.Path('/usr/bin') if old else pathlib.Path(sys.executable).parent
    program = folder / 'docker-compose'
    presence.require_program(str(program))
    with places.builtin('') as place:
        made = Application(place, program, '_' if old else '-')
        made.docker('load', '-i', place.folder / 'box.tar')
        before = [made.docker(*words) for words in _EVERYTHING]
        made.compose('up', '-d')
        yield made
        made.compose('down', '-v', '--rmi', 'local')
        made.docker('rmi', 'web:1')
        assert [made.docker(*words) for words in _EVERYTHING] == before


_EVERYTHING = (('ps', '-aq'), ('volume', 'ls', '-q'), ('network', 'ls', '--format', '{{.Name}}'))


def test_services_come_up_in_their_order(app):
    started = [app.inspect(name)['State']['StartedAt'] for name in ('store', 'worker', 'web')]
    assert started == sorted(started)
    assert app.inspect('store')['State']['Health']['Status'] == 'healthy'
    shown = app.compose('ps')
    assert shown.count('Up') == 3
    assert '127.0.0.1:18090->80/tcp' in shown


def test_the_page_that_was_built_is_served_on_the_host(app):
    assert app.run('curl', '-s', '-m', '5', '--retry', '20', '--retry-connrefused', '--retry-delay', '1',
                   'http://127.0.0.1:18090/page') == 'built\n'


def test_services_find_each_other_by_name_and_alias(app):
    assert app.compose('exec', '-T', 'web', 'wget', '-q', '-O', '-', 'http://store/file') == 'stored\n'
    worker = app.inspect('worker')['NetworkSettings']['Networks']['app_back']['IPAddress']
    assert worker in app.compose('exec', '-T', 'web', 'nslookup', 'helper')


def test_what_the_file_says_of_a_service_is_so(app):
    web = app.inspect('web')
    assert web['NetworkSettings']['Networks']['app_front']['IPAddress'] == '10.98.1.9'
    assert (web['HostConfig']['ReadonlyRootfs'], web['HostConfig']['RestartPolicy']['Name']) == (True, 'unless-stopped')
    assert app.compose('exec', '-T', 'web', 'sh', '-c', 'ulimit -n; touch /run/x && echo written') == '99\nwritten\n'
    assert app.compose('exec', '-T', 'worker', 'sh', '-c', 'echo $MODE') == 'test\n'
    assert app.docker('volume', 'ls', '-q', '--filter', 'label=kept=no') == 'app_data\n'


def test_logs_are_followed(app):
    with app.begin(app.program, 'logs', '-f', '--no-color', 'store', 'worker') as child:
        ending = threading.Timer(20, child.kill)
        ending.start()
        seen = ''
        for line in child.stdout:
            seen += line
            if 'worker is up' in seen and 'store is up' in seen:
                break
        child.terminate()
        ending.cancel()
    assert 'stored' in seen
    assert 'store is up' in seen


def test_a_service_is_scaled_up_and_down(app):
    app.compose('up', '-d', '--no-recreate', '--scale', 'worker=3')
    assert len(app.compose('ps', '-q', 'worker').split()) == 3
    found = app.compose('exec', '-T', 'web', 'nslookup', 'helper')
    for number in (1, 2, 3):
        assert app.inspect('worker', number)['NetworkSettings']['Networks']['app_back']['IPAddress'] in found
    app.compose('up', '-d', '--no-recreate', '--scale', 'worker=1')
    assert len(app.compose('ps', '-q', 'worker').split()) == 1


def test_nothing_is_made_anew_that_is_as_it_should_be(app):
    before = app.compose('ps', '-q')
    app.compose('up', '-d')
    assert app.compose('ps', '-q') == before


def test_services_are_stopped_paused_and_run_again(app):
    app.compose('pause', 'worker')
    assert app.status('worker') == 'paused'
    app.compose('unpause', 'worker')
    app.compose('stop', 'worker')
    assert app.status('worker') == 'exited'
    app.compose('restart', 'worker')
    assert app.status('worker') == 'running'
    assert app.compose('run', '--rm', '-T', '--no-deps', 'worker', 'echo', 'once').splitlines()[-1] == 'once'
    assert 'sleep 600' in app.compose('top', 'worker')
    assert '10.98.1.9' in app.docker('network', 'inspect', 'app_front')
    deadline = time.monotonic() + 10
    while 'stored' not in app.compose('logs', '--tail', '5', 'worker'):
        assert time.monotonic() < deadline
