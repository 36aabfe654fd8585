# SPDX-License-Identifier: Apache-2.0
"""What a container is: names, ids, labels, limits, its network namespace; and what a failed verb leaves."""

import io
import os
import stat

import pytest

from nova_container import errors
from nova_container.engine import spec as specs
from nova_container.engine.state import Feature, Status

MIB = 1 << 20


def unknown_container_verbs():
    """Every verb that takes a container, but remove."""
    return {
        'network_namespace': lambda engine, key: engine.network_namespace(key),
        'start': lambda engine, key: engine.start(key),
        'stop': lambda engine, key: engine.stop(key),
        'kill': lambda engine, key: engine.kill(key),
        'restart': lambda engine, key: engine.restart(key),
        'pause': lambda engine, key: engine.pause(key),
        'unpause': lambda engine, key: engine.unpause(key),
        'update': lambda engine, key: engine.update(key, specs.Resources(memory_bytes=64 * MIB)),
        'rename': lambda engine, key: engine.rename(key, 'another-name'),
        'inspect': lambda engine, key: engine.inspect(key),
        'wait': lambda engine, key: engine.wait(key, timeout_s=5),
        'usage': lambda engine, key: engine.usage(key),
        'top': lambda engine, key: engine.top(key),
        'logs': lambda engine, key: list(engine.logs(key, specs.LogQuery())),
        'attach': lambda engine, key: engine.attach(key).close(),
        'resize': lambda engine, key: engine.resize(key, rows=1, columns=1),
        'create_exec': lambda engine, key: engine.create_exec(key, specs.ExecSpec(command=('true',))),
        'changes': lambda engine, key: engine.changes(key),
        'export': lambda engine, key: list(engine.export(key)),
        'stat_path': lambda engine, key: engine.stat_path(key, '/'),
        'copy_out': lambda engine, key: list(engine.copy_out(key, '/etc')),
        'copy_in': lambda engine, key: engine.copy_in(key, '/', io.BytesIO(b'\0' * 10240)),
        'commit': lambda engine, key: engine.commit(key),
    }


class IdentitySuite:
    @pytest.mark.parametrize('verb', unknown_container_verbs())
    def test_a_verb_given_no_container_says_so(self, engine, verb):
        with pytest.raises(errors.ContainerNotFound):
            unknown_container_verbs()[verb](engine, 'no-such-container')

    def test_a_container_is_found_by_id_name_and_prefix(self, engine, create):
        container = create('true', name='conformance-found')
        for key in (container, 'conformance-found', container[:12]):
            assert engine.inspect(key).id == container

    def test_a_prefix_of_a_name_names_nothing(self, engine, create):
        create('true', name='conformance-whole-name')
        with pytest.raises(errors.ContainerNotFound):
            engine.inspect('conformance-whole')

    def test_a_name_belongs_to_one_container(self, engine, create):
        first = create('true', name='conformance-taken')
        with pytest.raises(errors.AlreadyExists):
            create('true', name='conformance-taken')
        assert [info.id for info in engine.list() if info.name == 'conformance-taken'] == [first]
        engine.remove(first)
        assert create('true', name='conformance-taken') != first

    def test_a_container_may_be_renamed(self, engine, create):
        container = create('true', name='conformance-old')
        engine.rename(container, 'conformance-new')
        assert engine.inspect('conformance-new').id == container
        assert engine.inspect(container).name == 'conformance-new'
        with pytest.raises(errors.ContainerNotFound):
            engine.inspect('conformance-old')

    def test_a_taken_name_cannot_be_given_again(self, engine, create):
        create('true', name='conformance-held')
        other = create('true', name='conformance-other')
        with pytest.raises(errors.AlreadyExists):
            engine.rename(other, 'conformance-held')
        assert engine.inspect(other).name == 'conformance-other'

    def test_a_malformed_name_is_refused(self, engine, create):
        with pytest.raises(errors.InvalidRequest):
            engine.rename(create('true'), '../escape')

    def test_a_list_holds_stopped_ones_too_newest_first(self, engine, create, run):
        oldest = run('true')
        engine.wait(oldest, timeout_s=20)
        middle, newest = run('sleep', '600'), create('true')
        listed = [info.id for info in engine.list() if info.id in (oldest, middle, newest)]
        assert listed == [newest, middle, oldest]

    def test_a_list_holds_those_that_carry_every_label(self, engine, create):
        both = create('true', labels={'conformance.a': '1', 'conformance.b': '2'})
        create('true', labels={'conformance.a': '1'})
        create('true', labels={'conformance.a': '1', 'conformance.b': 'other'})
        found = engine.list(labels={'conformance.a': '1', 'conformance.b': '2'})
        assert [info.id for info in found] == [both]
        assert found[0].labels['conformance.a'] == '1'

    def test_a_listed_container_shows_its_status_and_image(self, engine, run, image):
        container = run('sleep', '600')
        info = next(info for info in engine.list() if info.id == container)
        assert (info.status, info.image_id) == (Status.RUNNING, engine.inspect_image(image).id)

    def test_inspect_shows_what_was_asked_for(self, engine, create, image):
        container = create(
            'sleep', '600', env=('A=1',), hostname='box', labels={'conformance.x': 'y z'}, stop_signal='SIGUSR1',
            resources=specs.Resources(memory_bytes=64 * MIB, cpu_shares=512, pids_limit=50),
            restart=specs.RestartPolicy(name='on-failure', maximum_retries=3))
        spec = engine.inspect(container).spec
        assert (spec.image, spec.hostname, spec.labels['conformance.x']) == (image, 'box', 'y z')
        assert (spec.process.command, spec.process.stop_signal) == (('sleep', '600'), 'SIGUSR1')
        assert 'A=1' in spec.process.env
        assert (spec.resources.memory_bytes, spec.resources.cpu_shares, spec.resources.pids_limit) == (
            64 * MIB, 512, 50)
        assert spec.restart == specs.RestartPolicy(name='on-failure', maximum_retries=3)

    def test_what_a_request_leaves_open_is_settled(self, engine, create, image_with):
        image = image_with(config={'Labels': {'of-image': 'i', 'of-both': 'i'}})
        container = create('true', image=image, labels={'of-both': 'c', 'own': 'c'},
                           resources=specs.Resources(memory_bytes=64 * MIB))
        spec = engine.inspect(container).spec
        assert {'of-image': 'i', 'of-both': 'c', 'own': 'c'}.items() <= spec.labels.items()
        assert spec.resources.memory_swap_bytes == 128 * MIB
        assert [info.id for info in engine.list(labels={'of-image': 'i'})] == [container]

    def test_an_image_may_be_given_by_its_id(self, engine, create, image):
        image_id = engine.inspect_image(image).id
        assert engine.inspect(create('true', image=image_id)).image_id == image_id

    def test_a_failed_create_leaves_nothing(self, engine, create):
        before = {info.id for info in engine.list()}
        with pytest.raises(errors.ImageNotFound):
            create('true', image='no/such:image')
        with pytest.raises(errors.InvalidSpec):
            create('true', name='not a name')
        with pytest.raises(errors.InvalidSpec):
            create('true', resources=specs.Resources(memory_bytes=1))
        assert {info.id for info in engine.list()} == before

    @pytest.mark.parametrize('program', ['no-such-program', '/etc/greeting'])
    def test_a_program_that_cannot_run_is_an_invalid_request(self, engine, create, program):
        container = create(program)
        with pytest.raises(errors.InvalidRequest):
            engine.start(container)
        assert not engine.inspect(container).status.alive
        engine.remove(container)

    def test_a_user_the_image_does_not_know_is_an_invalid_request(self, engine, create):
        """At create, or at start, whichever looks first."""
        with pytest.raises(errors.InvalidRequest):
            engine.start(create('true', user='stranger'))
        assert not any(info.status.alive for info in engine.list() if info.spec.process.user == 'stranger')

    def test_update_changes_the_limits_given_and_no_others(self, engine, run):
        container = run('sleep', '600', resources=specs.Resources(memory_bytes=64 * MIB, cpu_shares=512))
        engine.update(container, specs.Resources(memory_bytes=96 * MIB, memory_swap_bytes=96 * MIB))
        resources = engine.inspect(container).spec.resources
        assert (resources.memory_bytes, resources.cpu_shares) == (96 * MIB, 512)
        assert engine.usage(container).memory_limit_bytes == 96 * MIB

    def test_update_changes_the_restart_policy(self, engine, create):
        container = create('true')
        engine.update(container, specs.Resources(), specs.RestartPolicy(name='always'))
        assert engine.inspect(container).spec.restart.name == 'always'

    def test_a_wrong_update_changes_nothing(self, engine, create):
        container = create('true', resources=specs.Resources(memory_bytes=64 * MIB))
        with pytest.raises(errors.InvalidRequest):
            engine.update(container, specs.Resources(memory_bytes=1))
        assert engine.inspect(container).spec.resources.memory_bytes == 64 * MIB

    def test_the_network_namespace_lives_from_create_to_remove(self, engine, create, engine_is_real):
        if Feature.PERSISTENT_NAMESPACE not in engine.info().features:
            pytest.skip('the engine does not claim Feature.PERSISTENT_NAMESPACE')
        container = create('true')
        path = engine.network_namespace(container)
        identity = namespace_identity(path, engine_is_real)
        assert engine.inspect(container).network_namespace == path
        for _ in range(2):
            engine.start(container)
            engine.wait(container, timeout_s=20)
            assert engine.network_namespace(container) == path
            assert namespace_identity(path, engine_is_real) == identity
        engine.remove(container)
        # dockerd deletes the file, now of no namespace, up to a minute later
        assert not engine_is_real or not os.path.exists(path) or namespace_identity(path, engine_is_real) != identity

    def test_a_restart_keeps_the_network_namespace(self, engine, run, engine_is_real):
        if Feature.PERSISTENT_NAMESPACE not in engine.info().features:
            pytest.skip('the engine does not claim Feature.PERSISTENT_NAMESPACE')
        container = run('sleep', '600')
        before = namespace_identity(engine.network_namespace(container), engine_is_real)
        engine.restart(container, grace_s=0)
        assert namespace_identity(engine.network_namespace(container), engine_is_real) == before

    def test_a_container_on_the_network_of_its_host_has_no_namespace(self, engine, create):
        container = create('true', network=specs.NetworkSpec(mode=specs.NetworkMode.HOST))
        with pytest.raises(errors.Unsupported):
            engine.network_namespace(container)

    def test_a_container_may_share_the_network_of_another(self, engine, run, engine_is_real):
        first = run('sleep', '600')
        network = specs.NetworkSpec(mode=specs.NetworkMode.CONTAINER, container=first)
        second = run('sleep', '600', network=network)
        if engine_is_real:
            say = specs.ExecSpec(command=('readlink', '/proc/self/ns/net'))
            assert engine.exec(second, say).stdout == engine.exec(first, say).stdout != b''
        else:
            assert engine.network_namespace(second) == engine.network_namespace(first)


def namespace_identity(path, engine_is_real):
    """What tells one namespace from another: its inode in the kernel's nsfs."""
    if not engine_is_real:
        return path
    found = os.stat(path)
    assert stat.S_ISREG(found.st_mode)
    return found.st_dev, found.st_ino


