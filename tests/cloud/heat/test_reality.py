# SPDX-License-Identifier: Apache-2.0
"""What Heat tells of containers is what is; what others did to them is undone; breakpoints, signals, policies."""

import pytest
from docker import errors

from tests.cloud.heat.stacks import Stacks
from tests.cloud.project import wait_for

# Heat waits a second after each resource that depends on nothing, so here only one does.
TEMPLATE = '''
heat_template_version: 2021-04-16
parameters:
  ended: {type: comma_delimited_list, default: '7'}
  aliases: {type: comma_delimited_list, default: 'one'}
  memory: {type: number, default: 67108864}
  name: {type: string, default: first-name}
  text: {type: string, default: hello}
  restart: {type: string, default: 'no'}
  tags: {type: comma_delimited_list, default: 'reality:1'}
resources:
  image: {type: OS::Docker::Image, properties: {endpoint: local, glance_image: demo-httpd, tags: {get_param: tags}}}
  net: {type: OS::Docker::Network, depends_on: image, properties: {endpoint: local}}
  back: {type: OS::Docker::Network, depends_on: net, properties: {endpoint: local, internal: true}}
  data: {type: OS::Docker::Volume, depends_on: back, properties: {endpoint: local}}
  web:
    type: OS::Docker::Container
    properties:
      endpoint: local
      image: {get_resource: image}
      name: {get_param: name}
      memory: {get_param: memory}
      pids_limit: 100
      restart_policy: {name: {get_param: restart}}
      networks: [{network: {get_resource: net}}]
      ports: [{container_port: 80}]
      mounts: [{type: volume, volume: {get_resource: data}, target: /data}]
      files: [{path: /www/text, content: {get_param: text}}]
      healthcheck: {test: [CMD, wget, -q, -O, /dev/null, 'http://127.0.0.1/'], interval: 1, timeout: 5, retries: 9}
      wait_for: healthy
      signal_actions: [restart, kill, exec]
      output_files: [/tmp/said]
  place:
    type: OS::Docker::NetworkAttachment
    properties: {endpoint: local, container: {get_resource: web}, network: {get_resource: back},
                 aliases: {get_param: aliases}}
  job:
    type: OS::Docker::Container
    depends_on: data
    properties:
      endpoint: local
      image: {get_resource: image}
      entrypoint: [sh, -c, 'echo worked; exit 7']
      wait_for: exited
      expected_exit_codes: {get_param: ended}
outputs:
  logs: {value: {get_attr: [web, logs]}}
  stats: {value: {get_attr: [web, stats]}}
  processes: {value: {get_attr: [web, processes]}}
  changes: {value: {get_attr: [web, changes]}}
  health: {value: {get_attr: [web, health]}}
  ports: {value: {get_attr: [web, ports]}}
  said: {value: {get_attr: [web, output_files]}}
  place: {value: {get_attr: [place, ip_address]}}
  job: {value: [{get_attr: [job, exit_code]}, {get_attr: [job, logs]}]}
'''
KEPT = '''
heat_template_version: 2021-04-16
resources:
  data: {type: OS::Docker::Volume, deletion_policy: retain, properties: {endpoint: local, name: kept-data}}
  web:
    type: OS::Docker::Container
    deletion_policy: retain
    properties:
      endpoint: local
      image: demo-httpd:latest
      name: kept-web
      mounts: [{type: volume, volume: {get_resource: data}, target: /data}]
'''
LEGACY = '''
heat_template_version: 2013-05-23
resources:
  web:
    type: DockerInc::Docker::Container
    properties:
      docker_endpoint: local
      image: demo-httpd:latest
      name: of-2014
      hostname: of-2014
      env: [COLOUR=red]
      cmd: [httpd, -f, -p, '80', -h, /www]
      memory: 67108864
      port_specs: ['80']
      port_bindings: {'80': ''}
      restart_policy: {Name: on-failure, MaximumRetryCount: 3}
      cap_drop: [MKNOD]
outputs:
  info: {value: {get_attr: [web, info]}}
  network: {value: {get_attr: [web, network_info]}}
  address: {value: [{get_attr: [web, network_ip]}, {get_attr: [web, network_gateway]}]}
  ports: {value: [{get_attr: [web, network_tcp_ports]}, {get_attr: [web, network_udp_ports]}]}
  logs: {value: [{get_attr: [web, logs]}, {get_attr: [web, logs_head]}, {get_attr: [web, logs_tail]}]}
'''


def test_it_changes_in_place_is_told_as_it_is_and_mended_when_others_changed_it(stacks: Stacks, images, containers):
    api = containers.client.api
    stack = stacks.create(TEMPLATE)
    made = stack.refs()
    web = made['web']
    assert stack.outputs['job'] == [7, 'worked\n']

    changed = {'memory': 96 << 20, 'name': 'second-name', 'text': 'bye', 'restart': 'unless-stopped',
               'aliases': 'one,two', 'tags': 'reality:1,reality:2', 'ended': '7,8'}
    stack.update(TEMPLATE, **changed)
    assert stack.refs() == made
    _is_as_asked(api, stack)
    assert containers.run(web, 'cat', '/www/text') == 'bye'
    tags = [tag for tag in api.inspect_image(made['image'])['RepoTags'] if 'reality' in tag]
    assert sorted(tag.rpartition(':')[2] for tag in tags) == ['1', '2']

    told = stack.outputs
    assert 'serving /www' in told['logs'] and told['health'] == 'healthy' and told['said'] == {'/tmp/said': None}
    assert told['stats']['memory_limit_bytes'] == 96 << 20 and told['place'].count('.') == 3
    containers.sh(web, 'echo more > /proc/1/fd/1; echo said > /tmp/said; sleep 298 > /dev/null 2>&1 &')
    told = stack.outputs
    assert told['logs'].endswith('more\n') and told['said'] == {'/tmp/said': 'said\n'}
    assert any(one['command'] == 'sleep 298' for one in told['processes'])
    assert {'path': '/tmp/said', 'kind': 'added'} in told['changes']

    api.rename(web, 'third-name')
    api.update_container(web, mem_limit=80 << 20, memswap_limit=160 << 20, restart_policy={'Name': 'no'})
    api.disconnect_container_from_network(web, made['net'])
    api.disconnect_container_from_network(web, made['back'])
    containers.sh(web, 'echo forged > /www/text')
    stack.update(TEMPLATE, converge=True, **changed)
    assert stack.refs() == made
    _is_as_asked(api, stack)
    assert containers.run(web, 'cat', '/www/text') == 'bye'

    api.stop(web, timeout=1)
    stack.update(TEMPLATE, converge=True, **changed)
    assert stack.ref('web') == web and containers.inspect(web)['State']['Status'] == 'running'

    api.remove_container(web, force=True)
    stack.update(TEMPLATE, converge=True, **changed)
    assert stack.ref('web') != web
    _is_as_asked(api, stack)


def test_breakpoints_hold_it_and_signals_move_it(stacks: Stacks, images, containers, host):
    held = {'resource_registry': {'resources': {'web': {'hooks': ['pre-create', 'pre-update']}}}}
    stack = stacks.create(TEMPLATE, environment=held, wanted='CREATE_IN_PROGRESS')
    _pass(stack, 'pre-create', lambda: _of(containers, stack, 'web') == [])
    stack.await_status('CREATE_COMPLETE')
    web = stack.ref('web')
    stack.update(TEMPLATE, environment=held, wanted='UPDATE_IN_PROGRESS', memory=96 << 20)
    _pass(stack, 'pre-update', lambda: containers.inspect(web)['HostConfig']['Memory'] == 64 << 20)
    stack.await_status('UPDATE_COMPLETE')
    assert containers.inspect(web)['HostConfig']['Memory'] == 96 << 20

    began = containers.inspect(web)['State']['StartedAt']
    stack.signal('web')
    wait_for('it was started again', lambda: containers.inspect(web)['State']['StartedAt'] != began, 30)
    stack.signal('web', {'action': 'exec', 'command': ['sh', '-c', 'echo signalled > /tmp/said']})
    wait_for('the command ran', lambda: stack.outputs['said'] == {'/tmp/said': 'signalled\n'}, 30)
    stack.signal('web', {'action': 'kill', 'signal': 'KILL'})
    wait_for('it is dead', lambda: not containers.inspect(web)['State']['Running'], 30)
    logged = host.log('heat-engine').stat().st_size
    stack.signal('web', {'action': 'pause'})
    wait_for('it is refused', lambda: 'A signal may not do pause' in host.log_since('heat-engine', logged), 30)


def test_a_job_that_ends_otherwise_than_expected_fails_its_stack(stacks: Stacks, images):
    stack = stacks.create(TEMPLATE, ended='0,3', wanted='CREATE_FAILED')
    assert 'ended with 7; expected is 0 or 3. Its output ends: worked' in stack.reasons()


def test_what_a_policy_retains_outlives_its_stack(stacks: Stacks, images, containers):
    api = containers.client.api
    stack = stacks.create(KEPT)
    web = stack.ref('web')
    stack.delete()
    try:
        assert containers.run(web, 'ls', '-d', '/data') == '/data\n'
    finally:
        api.remove_container(web, force=True)
        api.remove_volume('kept-data')


def test_a_template_of_2014_runs_unchanged(stacks: Stacks, images, containers):
    stack = stacks.create(LEGACY)
    told, inspected = stack.outputs, containers.inspect('of-2014')
    assert told['info']['Config']['Env'].count('COLOUR=red') == 1
    assert told['info']['HostConfig']['RestartPolicy'] == {'Name': 'on-failure', 'MaximumRetryCount': 3}
    network = inspected['NetworkSettings']['Networks']['bridge']
    assert told['address'] == [network['IPAddress'], network['Gateway']]
    assert told['network']['Networks']['bridge']['IPAddress'] == network['IPAddress']
    assert told['ports'] == [inspected['NetworkSettings']['Ports']['80/tcp'][0]['HostPort'], '']
    logs, head, tail = told['logs']
    assert head == 'demo-httpd: starting on of-2014' and logs.startswith(head) and tail.startswith('demo-httpd: serv')
    stack.act('suspend', 'SUSPEND_COMPLETE')
    assert containers.inspect('of-2014')['State']['Status'] == 'exited'
    stack.delete()
    with pytest.raises(errors.NotFound, match='of-2014'):
        containers.inspect('of-2014')


def _is_as_asked(api, stack) -> None:
    refs = stack.refs()
    inside = api.inspect_container(refs['web'])
    assert inside['Name'] == '/second-name' and inside['State']['Running']
    assert inside['HostConfig']['Memory'] == 96 << 20
    assert inside['HostConfig']['RestartPolicy']['Name'] == 'unless-stopped'
    networks = {one['NetworkID']: one for one in inside['NetworkSettings']['Networks'].values()}
    assert networks.keys() == {refs['net'], refs['back']}
    assert {'one', 'two'} <= set(networks[refs['back']]['Aliases'])
    assert refs['place'] == f'{refs["web"]}/{refs["back"]}'


def _pass(stack, hook: str, unchanged) -> None:
    """Wait for a breakpoint, see that nothing was done yet, and clear it."""
    wait_for(f'{hook} holds', lambda: any(
        one['resource_name'] == 'web' and 'paused until Hook' in one['resource_status_reason']
        and hook in one['resource_status_reason'] for one in stack.events()), 60, 0.3)
    assert unchanged()
    stack.signal('web', {'unset_hook': hook})


def _of(containers, stack, name: str) -> list[str]:
    return [one['Id'] for one in containers.client.api.containers(all=True, filters={'label': [
        f'org.openstack.heat.stack_id={stack.id}', f'org.openstack.heat.resource_name={name}']})]
