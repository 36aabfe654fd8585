# SPDX-License-Identifier: Apache-2.0
"""Compose files -> templates."""

import pytest

from heat_container.compose import document, template
from nova_container import errors


def resources(text: str, **given) -> dict:
    return template.nested(text, **given).template['resources']


def props(line: str, **given) -> dict:
    """The properties of the container of a service with one more line."""
    return resources(f'services: {{web: {{image: box, {line}}}}}', **given)['service_web_1']['properties']


def test_a_project_becomes_networks_volumes_and_containers():
    made = template.nested('''
version: '3.8'
x-common: &common
  restart: unless-stopped
services:
  web:
    <<: *common
    image: web:${TAG:-1}
    ports: ["8080:80", 22:22]
    depends_on: {db: {condition: service_healthy}}
    environment: {DB: db, PASSWORD: "${PW}"}
    networks: [front, back]
  db:
    image: db
    volumes: ["data:/data:ro"]
    networks: {back: {aliases: [store], ipv4_address: 10.9.0.5}}
    healthcheck: {test: pg_isready, interval: 1m30s, retries: 3}
networks:
  front:
  back: {internal: true, ipam: {config: [{subnet: 10.9.0.0/24}]}}
volumes:
  data: {labels: [a=b]}
  unused:
''', secrets={'PW': 'hush'}, endpoint='edge')
    assert made.template['parameters'] == {'secret_PW': {'type': 'string', 'hidden': True}}
    assert made.parameters == {'secret_PW': 'hush'} and 'hush' not in str(made.template)
    assert made.template['resources'] == {
        'service_web_1': {'type': 'OS::Docker::Container', 'depends_on': ['service_db_1'], 'properties': {
            'endpoint': 'edge', 'image': 'web:1', 'restart_policy': {'name': 'unless-stopped'}, 'wait_for': 'running',
            'ports': [{'container_port': 80, 'host_port': 8080, 'protocol': 'tcp'},
                      {'container_port': 22, 'host_port': 22, 'protocol': 'tcp'}],
            'environment': {'DB': 'db'}, 'secret_environment': {'PASSWORD': {'get_param': 'secret_PW'}},
            'networks': [{'network': {'get_resource': 'network_front'}, 'aliases': ['web']},
                         {'network': {'get_resource': 'network_back'}, 'aliases': ['web']}]}},
        'service_db_1': {'type': 'OS::Docker::Container', 'properties': {
            'endpoint': 'edge', 'image': 'db', 'wait_for': 'healthy',
            'healthcheck': {'test': ['CMD-SHELL', 'pg_isready'], 'interval': 90.0, 'retries': 3},
            'mounts': [{'type': 'volume', 'volume': {'get_resource': 'volume_data'}, 'target': '/data',
                        'read_only': True}],
            'networks': [{'network': {'get_resource': 'network_back'}, 'aliases': ['db', 'store'],
                          'ipv4_address': '10.9.0.5'}]}},
        'network_front': {'type': 'OS::Docker::Network', 'properties': {'endpoint': 'edge'}},
        'network_back': {'type': 'OS::Docker::Network', 'properties': {
            'endpoint': 'edge', 'internal': True, 'ipam': {'pools': [{'subnet': '10.9.0.0/24'}]}}},
        'volume_data': {'type': 'OS::Docker::Volume', 'properties': {'endpoint': 'edge', 'labels': {'a': 'b'}}}}


@pytest.mark.parametrize(('line', 'name', 'found'), [
    ('command: sh -c "a b"', 'command', ['sh', '-c', 'a b']), ('command: [a, 1]', 'command', ['a', '1']),
    ('entrypoint: []', 'entrypoint', []), ('mem_limit: 1.5g', 'memory', 1610612736), ('cpus: "0.5"', 'cpus', 0.5),
    ('stop_grace_period: 1m', 'stop_timeout', 60), ('tty: "true"', 'tty', True),
    ('environment: [A=b=c, NONE, D=]', 'environment', {'A': 'b=c', 'D': ''}),
    ('environment: {A: 1, B: true}', 'environment', {'A': '1', 'B': 'true'}),
    ('labels: [a, b=c]', 'labels', {'a': '', 'b': 'c'}),
    ('restart: on-failure:3', 'restart_policy', {'name': 'on-failure', 'maximum_retry_count': 3}),
    ('healthcheck: {disable: true}', 'healthcheck', {'test': ['NONE']}),
    ('ulimits: {nofile: {soft: 1, hard: 2}, nproc: 3}', 'ulimits', [
        {'name': 'nofile', 'soft': 1, 'hard': 2}, {'name': 'nproc', 'soft': 3, 'hard': 3}]),
    ('logging: {options: {max-size: 10m, max-file: "3"}}', 'log_config', {'max_size': 10485760, 'max_files': 3}),
    ('logging: {driver: none}', 'log_config', {'driver': 'none'}),
    ('logging: {driver: local, options: {labels: "a,b"}}', 'log_config', {
        'driver': 'local', 'options': {'labels': 'a,b'}}),
    ('extra_hosts: {a: 192.0.2.1}', 'extra_hosts', ['a:192.0.2.1']),
    ('extra_hosts: ["a=192.0.2.1"]', 'extra_hosts', ['a:192.0.2.1']),
    ('devices: ["/dev/null:/dev/x:r"]', 'devices', [
        {'path_on_host': '/dev/null', 'path_in_container': '/dev/x', 'permissions': 'r'}]),
    ('pull_policy: missing', 'image_pull_policy', 'if_not_present'), ('network_mode: none', 'network_mode', 'none'),
    ('volumes: [/data]', 'anonymous_volumes', ['/data']),
    ('volumes: ["/a:/b:rw"]', 'mounts', [
        {'type': 'bind', 'source': '/a', 'create_source': True, 'target': '/b', 'read_only': False}]),
    ('tmpfs: "/run:size=1m,mode=1777,exec"', 'mounts', [
        {'type': 'tmpfs', 'target': '/run', 'size': 1048576, 'mode': '1777', 'options': ['exec']}]),
    ('volumes: [{type: tmpfs, target: /t, tmpfs: {size: 1k}}]', 'mounts', [
        {'type': 'tmpfs', 'target': '/t', 'size': 1024}]),
    ('ports: ["80"]', 'ports', [{'container_port': 80, 'protocol': 'tcp'}]),
    ('ports: ["[::1]:9000-9001:80/udp"]', 'ports', [
        {'container_port': 80, 'protocol': 'udp', 'host_ip': '::1', 'host_port': 9000, 'host_port_end': 9001}]),
    ('ports: ["9000-9001:80-81"]', 'ports', [{'container_port': 80, 'protocol': 'tcp', 'host_port': 9000},
                                             {'container_port': 81, 'protocol': 'tcp', 'host_port': 9001}]),
    ('ports: [{target: 80, published: "9000", host_ip: 127.0.0.1, mode: host}]', 'ports', [
        {'container_port': 80, 'protocol': 'tcp', 'host_port': 9000, 'host_ip': '127.0.0.1'}]),
    ('networks: {default: {link_local_ips: [169.254.1.2]}}', 'networks', [
        {'network': {'get_resource': 'network_default'}, 'aliases': ['web'], 'link_local_ips': ['169.254.1.2']}]),
    ('networks: {default: {gw_priority: 3}}', 'networks', [
        {'network': {'get_resource': 'network_default'}, 'aliases': ['web'], 'gateway_priority': 3}]),
    ('deploy: {resources: {limits: {cpus: "0.5", memory: 50M, pids: 9}}}', 'pids_limit', 9),
    ('deploy: {restart_policy: {condition: any}}', 'restart_policy', {'name': 'always'}),
    ('security_opt: ["no-new-privileges:false"]', 'no_new_privileges', False)])
def test_each_form_of_a_key_becomes_its_property(line, name, found):
    assert props(line)[name] == found


@pytest.mark.parametrize(('line', 'message'), [
    ('build: .', r'services\.web\.build: a stack cannot express this'), ('gpus: all', r'services\.web\.gpus'),
    ('extends: {service: x}', 'extends'), ('volumes: ["./x:/y"]', 'below the folder of the file'),
    ('volumes: ["x:/y"]', 'the volume x is not among'), ('networks: [x]', 'the network x is not among'),
    ('depends_on: [x]', 'no service x'), ('ports: ["80000"]', 'end at 65535'), ('ports: [a]', 'ports'),
    ('mem_limit: much', 'no size'), ('healthcheck: {interval: soon}', 'no time'), ('cpus: many', 'no number'),
    ('restart: sometimes', 'restart'), ('deploy: {mode: global}', 'OS::Docker::Service'),
    ('deploy: {placement: {}}', r'deploy\.placement'), ('configs: [x]', 'not among the configs'),
    ('container_name: x, scale: 2', 'container_name'), ('ports: ["80:80"], scale: 2', 'port 80 of the host'),
    ('scale: 2, deploy: {replicas: 3}', 'contradicts'), ('scale: 1000', '0 to 100'),
    ('env_file: x.env', "'x.env' is not among the files"), ('security_opt: [label=disable]', 'label=disable'),
    ('logging: {driver: syslog}', 'json-file'), ('command: "a \'b"', 'split'), ('environment: 3', 'to be a map'),
    ('tty: maybe', 'true or false'), ('network_mode: bridge, networks: [x]', 'this or networks'),
    ('volumes: [{type: npipe, target: /x}]', 'volume, bind and tmpfs')])
def test_what_cannot_be_expressed_is_refused_by_its_key(line, message):
    with pytest.raises(errors.InvalidRequest, match=message):
        props(line)


@pytest.mark.parametrize(('text', 'message'), [
    ('include: [/etc/heat/compose.yaml]\nservices: {a: {image: i}}', 'include'),
    ('services: {a: {image: i, extends: {file: /etc/x.yaml, service: b}}}', 'extends'),
    ('services: {a: {image: i, env_file: /etc/heat/heat.conf}}', "'/etc/heat/heat.conf' is not among the files"),
    ('services: {a: {image: i, env_file: ../../etc/passwd}}', 'is not among the files'),
    ('services: {a: {image: i, label_file: /etc/passwd}}', 'label_file'),
    ('services: {a: {image: i, secrets: [s]}}\nsecrets: {s: {file: /etc/heat/heat.conf}}', 'is not among the files'),
    ('services: {a: {image: i, configs: [s]}}\nconfigs: {s: {file: /etc/heat/heat.conf}}', 'is not among the files'),
    ('services: {a: {image: i, secrets: [s]}}\nsecrets: {s: {external: true}}', 'external'),
    ('services: {a: {image: i, configs: [s]}}\nconfigs: {s: {environment: HOME}}', 'HOME is not set'),
    ('services: {a: {image: i, command: "${HOME:?}"}}', 'HOME'),
    ('services: {a: {image: i, credential_spec: {file: x}}}', 'credential_spec'),
    ('services: {a: {image: i, use_api_socket: true}}', 'use_api_socket'),
    ('services: {a: {image: i, provider: {type: x}}}', 'provider'),
    ('services: {a: {image: i, logging: {driver: gelf, options: {gelf-address: "udp://10.0.0.1:1"}}}}', 'json-file'),
    ('services: {a: {image: i, deploy: {resources: {reservations: {devices: []}}}}}', 'devices'),
    ('services: {a: {image: i, security_opt: ["apparmor=unconfined"]}}', 'apparmor'),
    ('services: {a: {image: i, uts: "container:x"}}', 'uts'),
    ('services: {a: {image: i, volumes: [{type: cluster, target: /x}]}}', 'volume, bind and tmpfs'),
    ('services: {a: {image: i, volumes: [{type: image, source: i, target: /x}]}}', 'volume, bind and tmpfs')])
def test_nothing_is_read_from_where_heat_engine_runs_and_nothing_else_is_asked_for(text, message):
    with pytest.raises(errors.InvalidRequest, match=message):
        resources(text)


def test_extensions_are_passed_over_and_unknown_keys_at_the_top_are_not():
    assert 'service_a_1' in resources('{x-a: 1, services: {a: {image: i, x-b: 2}}}')
    with pytest.raises(errors.InvalidRequest, match='include'):
        resources('{include: [x], services: {a: {image: i}}}')


def test_replicas_are_resources_of_their_own_and_dependents_wait_for_all():
    made = resources('services: {a: {image: i, deploy: {replicas: 2}}, b: {image: i, depends_on: [a]}}')
    assert made['service_b_1']['depends_on'] == ['service_a_1', 'service_a_2']


def test_a_service_that_others_need_completed_is_waited_for_until_it_ends():
    made = resources('services: {a: {image: i}, b: {image: i, depends_on: {a: {condition: '
                     'service_completed_successfully}}}}')
    assert made['service_a_1']['properties']['wait_for'] == 'exited'
    with pytest.raises(errors.InvalidRequest, match='completes once'):
        resources('services: {a: {image: i}, b: {image: i, depends_on: {a: {condition: service_healthy}}}, '
                  'c: {image: i, depends_on: {a: {condition: service_completed_successfully}}}}')


def test_profiles_choose_services_and_a_dependency_may_be_optional():
    text = 'services: {a: {image: i, profiles: [p]}, b: {image: i, depends_on: {a: {required: false}}}}'
    assert 'service_a_1' not in resources(text)
    assert resources(text, profiles=['p'])['service_b_1']['depends_on'] == ['service_a_1']


def test_configs_and_secrets_are_files_and_secrets_are_hidden_parameters():
    made = template.nested('''
services:
  a: {image: i, configs: [c, {source: d, target: /etc/d, mode: 0440, uid: "1"}], secrets: [s, t]}
configs: {c: {content: "x=${X}"}, d: {file: ./d.conf}}
secrets: {s: {environment: PW}, t: {file: t.txt}}
''', variables={'X': '1'}, secrets={'PW': 'hush'}, files={'./d.conf': 'd', 't.txt': 'also hush'})
    assert made.template['resources']['service_a_1']['properties']['files'] == [
        {'path': '/c', 'content': 'x=1', 'mode': '0444'}, {'path': '/etc/d', 'content': 'd', 'mode': '0440', 'uid': 1},
        {'path': '/run/secrets/s', 'content': {'get_param': 'secret_PW'}, 'mode': '0444'},
        {'path': '/run/secrets/t', 'content': {'get_param': 'file_t'}, 'mode': '0444'}]
    assert made.parameters == {'secret_PW': 'hush', 'file_t': 'also hush'} and 'hush' not in str(made.template)


def test_variables_come_from_files_below_those_of_the_service():
    found = props('env_file: [a.env, {path: b.env, required: false}], environment: {B: own}',
                  files={'a.env': '# note\nA="x y"\nexport B=2\nC=3 # note\n'})
    assert found['environment'] == {'A': 'x y', 'C': '3', 'B': 'own'}


def test_a_namespace_of_another_service_is_joined_by_its_id():
    made = resources('services: {a: {image: i}, b: {image: i, network_mode: "service:a", pid: "service:a"}}')
    joined = {'str_replace': {'template': 'container:%id%', 'params': {'%id%': {'get_resource': 'service_a_1'}}}}
    assert made['service_b_1']['properties']['network_mode'] == joined
    assert made['service_b_1']['properties']['pid_mode'] == joined


def test_what_is_external_is_named_and_not_made():
    made = resources('services: {a: {image: i, networks: [n], volumes: ["v:/v"]}}\n'
                     'networks: {n: {external: true, name: theirs}}\nvolumes: {v: {external: true}}')
    assert list(made) == ['service_a_1']
    assert made['service_a_1']['properties']['networks'][0]['network'] == 'theirs'
    assert made['service_a_1']['properties']['mounts'][0]['volume'] == 'v'


@pytest.mark.parametrize(('text', 'message'), [
    ('', 'empty'), ('- a', 'no map'), ('a: [', 'no YAML'), ('services: {}', 'none that is active'),
    ('a: &a [*a]', 'holds itself'), ('a: ' + '[' * 60 + ']' * 60, 'nested more'),
    ('a: !!python/object:x {}', 'no YAML'),
    ('a: &a [1,2,3,4,5,6,7,8,9]\n' + ''.join(
        f'{chr(98 + n)}: &{chr(98 + n)} [{",".join(["*" + chr(97 + n)] * 9)}]\n' for n in range(6)), 'more than')])
def test_a_file_that_is_no_file_or_a_bomb_is_refused(text, message):
    with pytest.raises(errors.InvalidRequest, match=message):
        template.nested(text)


def test_numbers_and_words_are_read_as_compose_reads_them():
    assert document.parsed('{a: 22:22, b: yes, c: on, d: true, e: 1.5, f: 2020-01-01, g: ~}') == {
        'a': '22:22', 'b': 'yes', 'c': 'on', 'd': True, 'e': 1.5, 'f': '2020-01-01', 'g': None}
