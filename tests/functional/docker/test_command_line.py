# SPDX-License-Identifier: Apache-2.0
"""The real ``docker`` command is content with the server."""

import json
import os
import shutil
import subprocess
import tarfile
import threading
import time

import pytest


@pytest.fixture
def docker(url, fake, tmp_path):
    """Run ``docker`` and return what it said: ``docker('ps', '-a')``."""
    program = shutil.which('docker')
    if program is None:
        if os.environ.get('CI'):
            pytest.fail('docker is not installed, and in CI nothing is skipped')
        pytest.skip('docker is not installed')
    environment = {'PATH': os.environ['PATH'], 'DOCKER_HOST': url, 'DOCKER_CONFIG': str(tmp_path), 'HOME': '/'}

    def run(*words, code=0, stdin=''):
        done = subprocess.run([program, *map(str, words)], env=environment, input=stdin, capture_output=True,
                              text=True, timeout=30, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout if code == 0 else done.stdout + done.stderr

    return run


@pytest.fixture
def running(docker):
    docker('run', '-d', '--name', 'c', 'busybox', 'sleep', '600')
    return 'c'


def test_version_and_info(docker):
    assert 'nova-container-engine' in docker('version')
    version = json.loads(docker('version', '--format', '{{json .}}'))
    assert (version['Server']['ApiVersion'], version['Server']['MinAPIVersion']) == ('1.51', '1.24')
    info = json.loads(docker('info', '--format', '{{json .}}'))
    assert (info['OperatingSystem'], info['NCPU']) == ('Fake Linux', 8)
    assert 'Fake Linux' in docker('info')


def test_create_start_list_stop_and_remove(docker):
    container = docker('create', '--name', 'c', '--label', 'l=v', 'busybox', 'sleep', '600').strip()
    assert docker('ps', '--format', '{{.Names}}') == ''
    assert docker('ps', '-a', '--format', '{{.Names}} {{.Status}} {{.Command}}') == 'c Created "sleep 600"\n'
    docker('start', 'c')
    assert docker('ps', '-q', '--no-trunc', '--filter', 'label=l=v').strip() == container
    assert docker('ps', '-q', '--filter', 'label=l=other') == ''
    assert docker('inspect', '-f', '{{.State.Status}} {{.Config.Image}} {{.Path}} {{.Args}}', 'c') == (
        'running busybox sleep [600]\n')
    docker('stop', '-t', '1', 'c')
    assert docker('ps', '-a', '--format', '{{.Status}}').startswith('Exited (')
    assert docker('rm', 'c') == 'c\n'
    assert 'No such container' in docker('rm', 'c', code=1)


def test_run_waits_shows_output_and_returns_the_code(docker):
    assert docker('run', '--name', 'c', 'busybox', 'echo', 'hello') == 'hello\n'
    assert docker('run', '--rm', 'busybox', 'sh', '-c', 'echo out; echo err >&2; exit 3', code=3) == 'out\nerr\n'
    assert docker('run', '-i', '--rm', 'busybox', 'cat', stdin='typed') == 'typed'
    assert docker('ps', '-a', '--format', '{{.Names}}') == 'c\n'


def test_logs(docker):
    docker('run', '--name', 'c', 'busybox', 'sh', '-c', 'echo one; echo two')
    assert docker('logs', 'c') == 'one\ntwo\n'
    assert docker('logs', '--tail', '1', 'c') == 'two\n'
    assert docker('logs', '-f', 'c') == 'one\ntwo\n'
    assert docker('logs', '-t', 'c').splitlines()[0].endswith('Z one')
    assert docker('logs', '--since', '1h', 'c') == 'one\ntwo\n'
    assert docker('logs', '--until', '1h', 'c') == ''


def test_exec(docker, running):
    assert docker('exec', running, 'echo', 'hello') == 'hello\n'
    assert docker('exec', '-i', running, 'cat', stdin='typed\n') == 'typed\n'
    assert docker('exec', '-e', 'A=b', running, 'sh', '-c', 'echo $A; exit 4', code=4) == 'b\n'
    docker('exec', '-d', running, 'true')


def test_copy_in_and_out(docker, running, tmp_path):
    docker('cp', f'{running}:/etc/greeting', tmp_path / 'out')
    assert (tmp_path / 'out').read_text() == 'hello\n'
    (tmp_path / 'in').write_text('from outside')
    docker('cp', tmp_path / 'in', f'{running}:/tmp/in')
    assert docker('exec', running, 'cat', '/tmp/in') == 'from outside'
    assert 'No such path' in docker('cp', f'{running}:/no/such', tmp_path, code=1)
    assert 'A /tmp/in' in docker('diff', running)


def test_stats_and_top(docker, running):
    shown = json.loads(docker('stats', '--no-stream', '--format', '{{json .}}', running))
    assert (shown['Name'], shown['MemUsage']) == ('c', '1MiB / 32GiB')
    assert 'sleep 600' in docker('top', running)
    assert docker('top', running, '-o', 'pid,args').splitlines()[0].split() == ['PID', 'COMMAND']


def test_images_are_committed_saved_loaded_and_removed(docker, running, tmp_path):
    made = docker('commit', '-m', 'why', '-c', 'CMD ["true"]', running, 'made:1').strip()
    assert docker('images', '-q', '--no-trunc', 'made').strip() == made
    assert json.loads(docker('inspect', '-f', '{{json .Config.Cmd}}', 'made:1')) == ['true']
    docker('save', '-o', tmp_path / 'made.tar', 'made:1')
    with tarfile.open(tmp_path / 'made.tar') as archive:
        assert 'manifest.json' in archive.getnames()
    docker('tag', 'made:1', 'quay.io/team/made:2')
    assert docker('rmi', 'made:1') == 'Untagged: made:1\n'
    docker('rmi', 'quay.io/team/made:2')
    assert docker('load', '-i', tmp_path / 'made.tar') == 'Loaded image: made:1\n'
    docker('history', 'made:1')
    assert 'No such image' in docker('rmi', 'nobody', code=1)
    docker('rmi', 'made:1')


def test_pause_update_rename_and_wait(docker, running):
    docker('pause', running)
    assert docker('ps', '--format', '{{.Status}}').strip().endswith('(Paused)')
    docker('unpause', running)
    docker('update', '--memory', '100m', '--memory-swap', '200m', '--cpus', '0.5', '--restart', 'always', running)
    shown = json.loads(docker('inspect', '-f', '{{json .HostConfig}}', running))
    assert (shown['Memory'], shown['NanoCpus'], shown['RestartPolicy']['Name']) == (100 << 20, 500000000, 'always')
    docker('update', '--restart', 'no', running)
    docker('rename', running, 'other')
    later = threading.Timer(0.3, lambda: docker('kill', 'other'))
    later.start()
    assert docker('wait', 'other') == '137\n'
    later.join()


def test_events_until_now(docker):
    running = docker('run', '-d', 'busybox', 'sleep', '600').strip()
    docker('kill', running)
    time.sleep(1.1)  # the command line rounds until down to a second
    told = docker('events', '--since', '1h', '--until', '0s', '--filter', f'container={running}', '--format',
                  '{{.Action}}').split()
    assert [action for action in told if action in ('create', 'start', 'die')] == ['create', 'start', 'die']


def test_events_are_told_as_they_happen(docker, running, url, tmp_path):
    until = int(time.time()) + 3
    later = threading.Timer(0.5, lambda: docker('kill', running))
    later.start()
    assert 'die' in docker('events', '--until', until, '--format', '{{.Action}}').split()
    later.join()


def test_networks_volumes_and_disk(docker):
    assert docker('network', 'ls', '--format', '{{.Name}}').split() == ['bridge', 'host', 'none']
    assert docker('network', 'inspect', '-f', '{{.Driver}}', 'none') == 'null\n'
    assert docker('volume', 'ls', '-q') == ''
    assert 'Images' in docker('system', 'df')
    docker('container', 'prune', '-f')
    docker('image', 'prune', '-f')


@pytest.mark.parametrize(('words', 'said'), [
    (('pull', 'alpine'), 'manifest unknown'), (('network', 'create', '-d', 'overlay', 'n'), 'use bridge or macvlan'),
    (('service', 'ls'), 'not a swarm manager'),
    (('push', 'nobody'), 'does not exist locally'), (('run', '--network', 'missing', 'busybox'), 'No such network'),
    (('run', '--gpus', 'all', 'busybox'), 'DeviceRequests'), (('run', '--isolation', 'hyperv', 'busybox'), 'Isolation'),
])
def test_what_is_not_there_is_refused_with_a_sentence(docker, words, said):
    assert said in docker(*words, code=125 if words[0] == 'run' else 1)


def test_health(docker, fake):
    docker('run', '-d', '--name', 'c', '--health-cmd', 'true', '--health-interval', '100ms', '--health-retries', '2',
           'busybox', 'sleep', '600')
    deadline = time.monotonic() + 10
    while '(healthy)' not in docker('ps', '--format', '{{.Status}}'):
        assert time.monotonic() < deadline
    assert docker('inspect', '-f', '{{.State.Health.Status}} {{.Config.Healthcheck.Test}}', 'c') == (
        'healthy [CMD-SHELL true]\n')
    assert docker('ps', '-q', '-f', 'health=healthy') != ''
    docker('run', '-d', '--name', 'none', '--no-healthcheck', 'busybox', 'sleep', '600')
    assert docker('inspect', '-f', '{{.State.Health}}', 'none') == '<nil>\n'


def test_namespaces_are_shared(docker, fake):
    docker('run', '-d', '--name', 'first', '--ipc', 'shareable', 'busybox', 'sleep', '600')
    docker('run', '-d', '--name', 'c', '--pid', 'container:first', '--ipc', 'container:first', '--uts', 'host',
           '--cgroup-parent', '/own', '--device-cgroup-rule', 'c 10:* rwm', '--annotation', 'a=b', 'busybox', 'sleep',
           '600')
    spec = fake.inspect('c').spec
    assert (spec.sharing.pid, spec.sharing.uts, spec.cgroup_parent) == ('container:first', 'host', '/own')
    assert (spec.device_rules, dict(spec.annotations)) == (('c 10:* rwm',), {'a': 'b'})


def test_volumes(docker, fake):
    assert docker('volume', 'create', '--label', 'l=v', 'data') == 'data\n'
    docker('run', '--rm', '-v', 'data:/data', 'busybox', 'sh', '-c', 'echo kept > /data/file')
    assert docker('run', '--rm', '-v', 'data:/data:ro', 'busybox', 'cat', '/data/file') == 'kept\n'
    docker('create', '--name', 'c', '-v', 'data:/data', '-v', '/anonymous', '--mount',
           'type=volume,source=made,target=/made,volume-nocopy,volume-label=a=b', 'busybox', 'true')
    assert set(docker('volume', 'ls', '-q').split()) > {'data', 'made'}
    assert docker('volume', 'ls', '-q', '-f', 'label=l=v') == 'data\n'
    assert docker('volume', 'inspect', '-f', '{{.Driver}} {{.Labels}}', 'made') == 'local map[a:b]\n'
    shown = json.loads(docker('inspect', '-f', '{{json .Mounts}}', 'c'))
    assert {mount['Destination'] for mount in shown} == {'/data', '/made', '/anonymous'}
    assert 'in use' in docker('volume', 'rm', 'data', code=1)
    assert 'no such volume' in docker('volume', 'rm', 'nobody', code=1).lower()
    assert docker('ps', '-a', '-q', '-f', 'volume=data') != ''
    assert 'Local Volumes' in docker('system', 'df', '-v') or 'made' in docker('system', 'df', '-v')
    docker('run', '--rm', '--volumes-from', 'c', 'busybox', 'cat', '/data/file')
    docker('rm', '-v', 'c')
    assert set(docker('volume', 'ls', '-q').split()) == {'data', 'made'}
    assert 'data' in docker('volume', 'prune', '-a', '-f')
    assert docker('volume', 'ls', '-q') == ''


def test_networks_are_made_used_and_removed(docker):
    network = docker('network', 'create', '--subnet', '10.9.0.0/24', '--gateway', '10.9.0.1', '--ip-range',
                     '10.9.0.128/25', '--label', 'l=v', '-o', 'com.docker.network.driver.mtu=1400', 'blue').strip()
    docker('run', '-d', '--name', 'c', '--network', 'blue', '--ip', '10.9.0.9', '--network-alias', 'alias',
           '-p', '127.0.0.1:8080:80', '-p', '53/udp', '--expose', '90',
           'busybox', 'sleep', '600')
    shown = json.loads(docker('inspect', '-f', '{{json .NetworkSettings}}', 'c'))
    found = shown['Networks']['blue']
    assert (found['IPAddress'], found['IPPrefixLen'], found['Gateway'], found['MacAddress'], found['NetworkID']) == (
        '10.9.0.9', 24, '10.9.0.1', '02:42:0a:09:00:09', network)
    assert 'alias' in found['Aliases']
    assert shown['Ports']['80/tcp'] == [{'HostIp': '127.0.0.1', 'HostPort': '8080'}]
    assert shown['Ports']['90/tcp'] is None
    assert shown['Ports']['53/udp'][0]['HostPort'] != '0'
    ports = docker('ps', '--format', '{{.Ports}}')
    assert '127.0.0.1:8080->80/tcp' in ports
    assert '90/tcp' in ports
    assert docker('port', 'c', '80') == '127.0.0.1:8080\n'
    assert docker('ps', '-q', '--filter', 'network=blue') != ''
    docker('network', 'create', 'green')
    docker('network', 'connect', '--alias', 'other', 'green', 'c')
    assert set(json.loads(docker('inspect', '-f', '{{json .NetworkSettings.Networks}}', 'c'))) == {'blue', 'green'}
    assert json.loads(docker('network', 'inspect', '-f', '{{json .Containers}}', 'green'))
    assert 'active endpoints' in docker('network', 'rm', 'green', code=1)
    docker('network', 'disconnect', 'green', 'c')
    docker('network', 'rm', 'green')
    assert docker('network', 'ls', '-q', '--no-trunc', '--filter', 'label=l=v').strip() == network
    docker('rm', '-f', 'c')
    assert docker('network', 'prune', '-f').split()[-1] == 'blue'
    assert 'pre-defined' in docker('network', 'rm', 'bridge', code=1)


def test_all_exposed_ports_are_published(docker):
    docker('run', '-d', '--name', 'c', '-P', '--expose', '80', '--expose', '90/udp', 'busybox', 'sleep', '600')
    shown = json.loads(docker('inspect', '-f', '{{json .NetworkSettings.Ports}}', 'c'))
    assert all(shown[key][0]['HostPort'] for key in ('80/tcp', '90/udp'))


@pytest.mark.parametrize('network', ['none', 'host', 'default', 'bridge', 'container:first'])
def test_networks_without_a_name_of_their_own_are_taken(docker, network):
    docker('run', '-d', '--name', 'first', 'busybox', 'sleep', '600')
    docker('run', '-d', '--network', network, 'busybox', 'sleep', '600')


def test_many_options_of_run_are_honoured(docker, fake, tmp_path):
    docker('create', '--name', 'c', '--memory', '64m', '--cpus', '0.5', '--cap-add', 'NET_ADMIN', '--tmpfs',
           '/run:size=1m,mode=755', '-v', f'{tmp_path}:/host:ro', '--mount',
           f'type=bind,source={tmp_path},target=/other,bind-propagation=rslave', '--ulimit', 'nofile=64:128',
           '--hostname', 'h', '--dns', '9.9.9.9', '--restart', 'on-failure:3', '--log-opt', 'max-size=1m', '--init',
           '-e', 'A=b', '-w', '/tmp', '--read-only', '--device', '/dev/null:/dev/x', '--security-opt',
           'no-new-privileges=false', '--shm-size', '32m', '--stop-signal', 'SIGINT', '--stop-timeout', '3',
           '--pids-limit', '9', '--group-add', '7', '--oom-score-adj', '5', 'busybox', 'sleep', '600')
    spec = fake.inspect('c').spec
    assert {mount.target for mount in spec.mounts} == {'/run', '/host', '/other'}
    assert (spec.resources.memory_bytes, spec.resources.pids_limit) == (64 << 20, 9)
    assert (spec.security.no_new_privileges, spec.security.groups) == (False, ('7',))
    assert (spec.init, spec.log.file_bytes, spec.process.stop_timeout_s) == (True, 1_000_000, 3)
    assert spec.devices[0].path_in_container == '/dev/x'
