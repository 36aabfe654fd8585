# SPDX-License-Identifier: Apache-2.0
"""Services of a swarm: the body that is sent, what it may hold, and whether it has come true."""

import pytest
from heat.engine import properties

from heat_container.schema import service as schema
from heat_container.swarm import convergence, policy, spec
from nova_container import errors
from nova_container.docker.policy import Level

NONE = frozenset().__contains__
PROJECT = 'p' * 32


def body(**given) -> dict:
    props = properties.Properties(dict(schema.SERVICE), {'image': 'box', **given}, parent_name='web')
    return spec.service_spec(
        {name: props[name] for name in schema.SERVICE}, name='web', labels={'own': 'x'}, networks={'net': 'n-id'},
        names={'s-id': 'pw', 'c-id': 'conf'}, secrets=given.get('secret_environment', {}))


def test_a_plain_service_says_no_more_than_was_asked():
    assert body() == {
        'Name': 'web', 'Labels': {'own': 'x'}, 'Mode': {'Replicated': {'Replicas': 1}},
        'TaskTemplate': {'ContainerSpec': {'Image': 'box'}, 'ForceUpdate': 0}}


def test_everything_that_can_be_asked_has_its_place():
    update = {'parallelism': 1, 'delay': 2, 'failure_action': 'rollback', 'monitor': 3, 'max_failure_ratio': 0.5,
              'order': 'start-first'}
    made = body(
        entrypoint=['e'], command=['a'], environment={'A': 'b'}, secret_environment={'S': 't'}, working_dir='/w',
        user='u', stop_signal='SIGINT', stop_timeout=5, init=True, hostname='h', labels={'l': 'm'},
        container_labels={'c': 'd'}, healthcheck={'test': ['CMD', 't'], 'interval': 1, 'retries': 2},
        mounts=[{'target': '/t', 'type': 'tmpfs', 'size': 4096, 'mode': '1777'}, {'target': '/v', 'volume': 'vol'}],
        dns=['192.0.2.1'], extra_hosts=['name:192.0.2.2'], cap_add=['CHOWN'], cap_drop=['ALL'], group_add=['g'],
        sysctls={'net.ipv4.tcp_syncookies': '1'}, ulimits=[{'name': 'nofile', 'soft': 1}], read_only=True, cpus=0.5,
        memory=8 << 20, pids_limit=9, memory_reservation=7 << 20, cpu_reservation=0.25,
        generic_reservations=[{'kind': 'gpu', 'value': 1}],
        secrets=[{'secret': 's-id', 'target': 'x'}], configs=[{'config': 'c-id', 'target': '/y', 'uid': 1}],
        restart_policy={'condition': 'on-failure', 'delay': 1, 'maximum_attempts': 3, 'window': 2},
        placement={'constraints': ['node.role==worker'], 'spread': ['node.labels.rack'], 'maximum_per_node': 2,
                   'platforms': [{'os': 'linux'}]},
        networks=[{'network': 'net', 'aliases': ['n']}], endpoint_mode='vip',
        ports=[{'target_port': 80, 'published_port': 8080, 'publish_mode': 'host'}],
        log_driver={'name': 'json-file', 'options': {'max-size': '1m'}}, update_config=update,
        rollback_config={'order': 'stop-first'}, force_update=4, mode='replicated_job', replicas=2, total_completions=6)
    task, container = made['TaskTemplate'], made['TaskTemplate']['ContainerSpec']
    assert container == {
        'Image': 'box', 'Command': ['e'], 'Args': ['a'], 'Env': ['A=b', 'S=t'], 'Dir': '/w', 'User': 'u',
        'StopSignal': 'SIGINT', 'StopGracePeriod': 5 * 10**9, 'Init': True, 'Hostname': 'h', 'Labels': {'c': 'd'},
        'HealthCheck': {'Test': ['CMD', 't'], 'Interval': 10**9, 'Retries': 2},
        'Mounts': [{'Type': 'tmpfs', 'Target': '/t', 'TmpfsOptions': {'SizeBytes': 4096, 'Mode': 0o1777}},
                   {'Type': 'volume', 'Source': 'vol', 'Target': '/v'}],
        'DNSConfig': {'Nameservers': ['192.0.2.1']}, 'Hosts': ['192.0.2.2 name'], 'CapabilityAdd': ['CHOWN'],
        'CapabilityDrop': ['ALL'], 'Groups': ['g'], 'Sysctls': {'net.ipv4.tcp_syncookies': '1'},
        'Ulimits': [{'Name': 'nofile', 'Soft': 1, 'Hard': 1}], 'ReadOnly': True,
        'Secrets': [{'SecretID': 's-id', 'SecretName': 'pw',
                     'File': {'Name': 'x', 'UID': '0', 'GID': '0', 'Mode': 0o444}}],
        'Configs': [{'ConfigID': 'c-id', 'ConfigName': 'conf',
                     'File': {'Name': '/y', 'UID': '1', 'GID': '0', 'Mode': 0o444}}]}
    assert task['Resources'] == {
        'Limits': {'NanoCPUs': 5 * 10**8, 'MemoryBytes': 8 << 20, 'Pids': 9},
        'Reservations': {'NanoCPUs': 25 * 10**7, 'MemoryBytes': 7 << 20, 'GenericResources': [
            {'DiscreteResourceSpec': {'Kind': 'gpu', 'Value': 1}}]}}
    assert task['RestartPolicy'] == {
        'Condition': 'on-failure', 'Delay': 10**9, 'MaxAttempts': 3, 'Window': 2 * 10**9}
    assert task['Placement'] == {
        'Constraints': ['node.role==worker'], 'MaxReplicas': 2, 'Platforms': [{'OS': 'linux'}],
        'Preferences': [{'Spread': {'SpreadDescriptor': 'node.labels.rack'}}]}
    assert task['Networks'] == [{'Target': 'n-id', 'Aliases': ['n']}] and task['ForceUpdate'] == 4
    assert task['LogDriver'] == {'Name': 'json-file', 'Options': {'max-size': '1m'}}
    assert made['EndpointSpec'] == {'Mode': 'vip', 'Ports': [
        {'Protocol': 'tcp', 'TargetPort': 80, 'PublishedPort': 8080, 'PublishMode': 'host'}]}
    assert made['UpdateConfig'] == {'Parallelism': 1, 'Delay': 2 * 10**9, 'FailureAction': 'rollback',
                                    'Monitor': 3 * 10**9, 'MaxFailureRatio': 0.5, 'Order': 'start-first'}
    assert made['RollbackConfig'] == {'Order': 'stop-first'}
    assert made['Mode'] == {'ReplicatedJob': {'MaxConcurrent': 2, 'TotalCompletions': 6}}


def test_a_bind_says_all_that_was_asked_for():
    given = {'type': 'bind', 'source': '/a', 'target': '/b', 'read_only': True, 'create_source': True,
             'non_recursive': True, 'read_only_non_recursive': True}
    assert body(mounts=[given])['TaskTemplate']['ContainerSpec']['Mounts'] == [{
        'Type': 'bind', 'Source': '/a', 'Target': '/b', 'ReadOnly': True, 'BindOptions': {
            'Propagation': 'rprivate', 'CreateMountpoint': True, 'NonRecursive': True, 'ReadOnlyNonRecursive': True}}]


@pytest.mark.parametrize(('given', 'message'), [
    ({'endpoint_mode': 'dnsrr', 'ports': [{'target_port': 80}]}, 'dnsrr'), ({'total_completions': 2}, 'replicated_job'),
    ({'mounts': [{'target': '/x', 'volume': 'v', 'subpath': 'a'}]}, 'subpath')])
def test_what_contradicts_itself_is_refused(given, message):
    with pytest.raises(errors.InvalidSpec, match=message):
        body(**given)


@pytest.mark.parametrize(('given', 'says'), [
    ({'mounts': [{'type': 'bind', 'source': '/etc', 'target': '/x'}]}, 'docker:create:bind_mount'),
    ({'mounts': [{'target': '/x', 'volume': f'{PROJECT}-v', 'volume_options': {'o': 'bind', 'device': '/etc'}}]},
     'docker:create:volume_driver_opts'),
    ({'mounts': [{'target': '/x', 'volume': 'theirs'}]}, f'begin with {PROJECT}-'),
    ({'cap_add': ['SYS_ADMIN']}, 'docker:create:cap_add'), ({'cap_add': ['cap_all']}, 'docker:create:cap_add'),
    ({'sysctls': {'kernel.core_pattern': 'x'}}, 'docker:create:sysctl_unsafe'),
    ({'group_add': ['docker']}, 'docker:create:groups'), ({'pids_limit': -1}, 'docker:create:unlimited_pids'),
    ({'pids_limit': 0}, 'docker:create:unlimited_pids'),
    ({'ulimits': [{'name': 'rtprio', 'soft': 9, 'hard': 9}]}, 'docker:create:realtime'),
    ({'networks': [{'network': 'net', 'driver_options': {'a': 'b'}}]}, 'docker:create:network_driver'),
    ({'log_driver': {'name': 'syslog'}}, 'log_driver'),
    ({'ports': [{'target_port': 22, 'published_port': 22}]}, 'docker:create:host_port')])
def test_what_reaches_the_node_needs_a_rule_of_its_own(given, says):
    with pytest.raises(errors.Denied, match=says):
        policy.check_service(Level.BASELINE, body(**given), {'swarm'}.__contains__, PROJECT)
    policy.check_service(Level.PRIVILEGED, body(**given), NONE, PROJECT)


def test_with_the_rule_a_service_that_keeps_to_itself_is_allowed():
    made = body(cap_add=['CHOWN'], mounts=[{'target': '/x', 'volume': f'{PROJECT}-v'}, {'target': '/y'}],
                secrets=[{'secret': 's-id', 'target': 'x'}], ports=[{'target_port': 80, 'published_port': 8080}])
    policy.check_service(Level.BASELINE, made, {'swarm'}.__contains__, PROJECT)
    with pytest.raises(errors.Denied, match='docker:create:swarm'):
        policy.check_service(Level.BASELINE, made, NONE, PROJECT)


@pytest.mark.parametrize('place', [
    lambda made: made, lambda made: made['TaskTemplate'], lambda made: made['TaskTemplate']['ContainerSpec'],
    lambda made: made['TaskTemplate']['ContainerSpec']['Mounts'][0]])
def test_a_key_that_nobody_has_judged_is_denied(place):
    made = body(mounts=[{'target': '/y'}])
    place(made)['Novelty'] = {}
    with pytest.raises(errors.Denied):
        policy.check_service(Level.BASELINE, made, {'swarm'}.__contains__, PROJECT)


def task(state: str, word: str = 'new', desired: str = 'running', **status) -> dict:
    return {'Spec': {'ContainerSpec': {'Image': word}}, 'DesiredState': desired, 'Status': {'State': state, **status}}


def service(mode: dict | None = None, update: str = '') -> dict:
    return {'Spec': {'Mode': mode or {'Replicated': {'Replicas': 2}},
                     'TaskTemplate': {'ContainerSpec': {'Image': 'new'}, 'ForceUpdate': 0}},
            **({'UpdateStatus': {'State': update, 'Message': 'so it is'}} if update else {})}


@pytest.mark.parametrize(('given', 'tasks', 'found'), [
    (service(), [task('running')] * 2, True), (service(), [task('running'), task('starting')], False),
    (service(), [task('running'), task('running', 'old')], False),
    (service(), [task('running'), task('running', desired='shutdown')], False),
    (service(update='updating'), [task('running')] * 2, False),
    (service(update='completed'), [task('running')] * 2, True),
    (service({'Global': {}}), [task('running')] * 3, True), (service({'Global': {}}), [task('running')] * 2, False),
    (service({'Replicated': {'Replicas': 0}}), [], True),
    (service({'ReplicatedJob': {'MaxConcurrent': 1, 'TotalCompletions': 2}}), [task('complete')] * 2, True),
    (service({'ReplicatedJob': {'MaxConcurrent': 1, 'TotalCompletions': 2}}), [task('complete')], False)])
def test_a_service_has_come_true_when_the_tasks_of_its_spec_run(given, tasks, found):
    assert convergence.reached(given, tasks, nodes=3) is found


@pytest.mark.parametrize(('given', 'tasks', 'message'), [
    (service(update='paused'), [], 'so it is'),
    (service(update='rollback_completed'), [task('running')] * 2, 'gave up'),
    (service(), [task('rejected', Err='no such image')] * 6, 'no such image')])
def test_a_service_that_will_not_come_true_says_why(given, tasks, message):
    with pytest.raises(errors.InvalidRequest, match=message):
        convergence.reached(given, tasks, nodes=1)
