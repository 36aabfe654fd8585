# SPDX-License-Identifier: Apache-2.0
"""Namespaces shared with the host and with others, where control groups are, and restarts."""

import os

import pytest

from nova_container import errors
from nova_container.engine import ExecSpec, Sharing
from nova_container.engine import spec as specs
from tests.conformance.deadline import eventually


def namespace(kind, pid='self'):
    return os.readlink(f'/proc/{pid}/ns/{kind}')


class SharingSuite:
    def inside(self, engine, container, *command):
        return engine.exec(container, ExecSpec(command=command)).stdout.decode().strip()

    @pytest.mark.parametrize('kind', ['pid', 'ipc', 'uts'])
    def test_a_namespace_of_the_host_is_shared(self, engine, engine_is_real, run, kind):
        container = run('sleep', '600', sharing=Sharing(**{kind: 'host'}))
        assert getattr(engine.inspect(container).spec.sharing, kind) == 'host'
        if engine_is_real:
            assert namespace(kind, engine.inspect(container).pid) == namespace(kind)

    @pytest.mark.parametrize('kind', ['pid', 'ipc', 'uts'])
    def test_a_namespace_of_its_own_is_the_rule(self, engine, engine_is_real, run, kind):
        container = run('sleep', '600')
        if engine_is_real:
            assert namespace(kind, engine.inspect(container).pid) != namespace(kind)

    def test_processes_of_another_container_are_seen(self, engine, engine_is_real, run):
        first = run('sleep', '600')
        second = run('sleep', '600', sharing=Sharing(pid=f'container:{first}'))
        if engine_is_real:
            assert namespace('pid', engine.inspect(second).pid) == namespace('pid', engine.inspect(first).pid)

    def test_memory_is_shared_by_those_who_agree(self, engine, engine_is_real, run):
        first = run('sleep', '600', sharing=Sharing(ipc='shareable'))
        second = run('sleep', '600', sharing=Sharing(ipc=f'container:{first}'))
        if engine_is_real:
            self.inside(engine, first, 'sh', '-c', 'echo shared > /dev/shm/file')
            assert self.inside(engine, second, 'cat', '/dev/shm/file') == 'shared'
            assert namespace('ipc', engine.inspect(second).pid) == namespace('ipc', engine.inspect(first).pid)

    def test_memory_is_not_taken_from_one_who_does_not_share(self, engine, create, run):
        first = run('sleep', '600')
        with pytest.raises(errors.ContainerError):
            engine.start(create('true', sharing=Sharing(ipc=f'container:{first}')))

    @pytest.mark.parametrize('kind', ['pid', 'ipc'])
    def test_nobody_can_be_joined_who_is_not_there(self, engine, create, kind):
        with pytest.raises(errors.ContainerError):
            engine.start(create('true', sharing=Sharing(**{kind: 'container:no-such-container'})))

    def test_one_who_does_not_run_cannot_be_joined(self, engine, create):
        first = create('true')
        with pytest.raises((errors.WrongState, errors.InvalidRequest)):
            engine.start(create('true', sharing=Sharing(pid=f'container:{first}')))

    @pytest.mark.parametrize('sharing', [
        Sharing(pid='shareable'), Sharing(uts='container:a'), Sharing(ipc='nonsense'), Sharing(user='1000')])
    def test_nonsense_is_an_invalid_request(self, create, sharing):
        with pytest.raises(errors.ContainerError):
            create('true', sharing=sharing)

    def test_a_name_and_the_name_of_the_host_exclude_each_other(self, create):
        with pytest.raises(errors.InvalidRequest):
            create('true', sharing=Sharing(uts='host'), hostname='own')

    @pytest.mark.parametrize('annotation', ['run.oci.hooks.stdout', 'run.oci.seccomp_bpf_data'])
    def test_orders_to_the_runtime_are_refused(self, engine, create, annotation):
        with pytest.raises(errors.InvalidRequest):
            create('true', annotations={annotation: '/tmp/x'})

    def test_annotations_are_kept(self, engine, create):
        assert engine.inspect(create('true', annotations={'org.example': 'yes'})).spec.annotations == {
            'org.example': 'yes'}

    def test_device_rules_are_kept(self, engine, run):
        container = run('sleep', '600', device_rules=('c 10:* rwm', 'b *:* r'))
        assert engine.inspect(container).spec.device_rules == ('c 10:* rwm', 'b *:* r')

    def test_a_runtime_nobody_has_is_refused(self, engine, engine_is_real, create):
        if engine_is_real:
            with pytest.raises(errors.InvalidRequest):
                create('true', runtime='no-such-runtime')

    def test_a_start_by_hand_counts_restarts_anew(self, engine, run):
        container = run('sh', '-c', 'exit 1', restart=specs.RestartPolicy(name='on-failure', maximum_retries=1))
        eventually(lambda: engine.inspect(container).restart_count == 1)
        engine.wait(container, timeout_s=20)
        engine.update(container, specs.Resources(), specs.RestartPolicy(name='no'))
        engine.start(container)
        assert engine.inspect(container).restart_count == 0

    def test_a_policy_that_is_taken_away_acts_no_more(self, engine, run):
        container = run('sleep', '600', restart=specs.RestartPolicy(name='always'))
        engine.update(container, specs.Resources(), specs.RestartPolicy(name='no'))
        pid = engine.inspect(container).pid
        engine.exec(container, ExecSpec(command=('true',)))
        engine.kill(container)
        assert engine.wait(container, timeout_s=20).code == 137
        assert engine.inspect(container).pid in (None, pid)
