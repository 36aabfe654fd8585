# SPDX-License-Identifier: Apache-2.0
"""Images built: through the contract, the docker command and the docker SDK."""

import io
import os
import pathlib
import subprocess
import tarfile
import threading
import time

import docker as sdk
import pytest

from nova_container import errors
from nova_container.engine import BuildSpec, ContainerSpec, ProcessSpec, Resources
from nova_container.engine.spec import Ulimit
from tests.conformance.deadline import eventually
from tests.conformance.suite_registry import context, said
from tests.fixtures import busybox_image
from tests.functional.registry.conftest import opened

pytestmark = pytest.mark.root

TEN_STEPS = '''FROM box:1
ARG WHO=nobody
ENV GREETING=hello
LABEL purpose=test
WORKDIR /work
COPY f /work/f
RUN echo $GREETING $WHO > greeting
RUN cat f >> greeting
USER nobody
CMD ["cat", "/work/greeting"]
'''


@pytest.fixture(scope='module')
def engine(tmp_path_factory):
    with opened() as (made, _):
        path = tmp_path_factory.mktemp('image') / 'box.tar'
        busybox_image.build(path, 'box:1', config={'Cmd': ['sh']})
        made.load(io.BytesIO(path.read_bytes()))
        yield made


def build(engine, dockerfile, *, files=None, **options):
    return list(engine.build(context(dockerfile, **(files or {})), BuildSpec(network='none', **options)))


def made(told):
    return next(one.result for one in told if one.result)


def test_ten_steps_are_done_once(engine):
    first = build(engine, TEN_STEPS, files={'f': 'from the context\n'}, tags=('ten:1',), arguments={'WHO': 'me'})
    began = time.monotonic()
    second = build(engine, TEN_STEPS, files={'f': 'from the context\n'}, tags=('ten:2',), arguments={'WHO': 'me'})
    assert made(first) == made(second)
    assert said(second).count(' ---> Using cache') == 9
    assert time.monotonic() - began < 20
    other = build(engine, TEN_STEPS, files={'f': 'changed\n'}, arguments={'WHO': 'me'})
    assert 0 < said(other).count(' ---> Using cache') < 9
    info = engine.inspect_image('ten:2')
    assert (info.config['User'], info.config['WorkingDir'], info.config['Labels']['purpose']) == (
        'nobody', '/work', 'test')
    assert engine.inspect_image('ten:1').id == info.id


def test_a_step_has_the_limits_that_were_asked_for(engine):
    recipe = ('FROM box:1\nRUN ulimit -n; ulimit -Hn; df -k /dev/shm | tail -1 | awk "{print \\$2}"; '
              'cd /sys/fs/cgroup; cat memory/memory.limit_in_bytes cpu/cpu.cfs_quota_us cpu/cpu.cfs_period_us '
              'cpuset/cpuset.cpus cpuset/cpuset.mems || cat memory.max cpu.max cpuset.cpus cpuset.mems\n')
    told = said(build(engine, recipe, shm_bytes=2 << 20, ulimits=(Ulimit(name='nofile', soft=77, hard=88),),
                      limits=Resources(memory_bytes=64 << 20, memory_swap_bytes=-1, cpu_quota_us=5000,
                                       cpu_period_us=10000, cpuset_cpus='0', cpuset_mems='0')))
    assert '\n77\n88\n2048\n67108864\n5000\n10000\n0\n0\n' in told or (
        '\n77\n88\n2048\n67108864\n5000 10000\n0\n0\n' in told)


@pytest.mark.parametrize(('options', 'said_why'), [
    ({'limits': Resources(memory_bytes=1)}, 'memory_bytes: must be at least'),
    ({'limits': Resources(cpuset_cpus='4000')}, 'CpusetCpus: 4000 asks for'),
    ({'limits': Resources(pids_limit=5)}, 'limits: a build has memory_bytes'),
    ({'ulimits': (Ulimit(name='files', soft=1, hard=1),)}, 'ulimits:'), ({'shm_bytes': -1}, 'shm_bytes:')])
def test_limits_that_cannot_be_are_refused(engine, options, said_why):
    with pytest.raises((errors.InvalidSpec, errors.Unsupported), match=said_why):
        build(engine, 'FROM box:1\n', **options)


class TestDoneBefore:
    """A build that was done before is not done again, and one that differs in anything is."""

    RECIPE = 'FROM box:1 AS one\nARG WHO\nCOPY f /f\nRUN echo $WHO; date +%N > /n\nFROM one\nCOPY --from=one /n /m\n'

    @pytest.fixture
    def without_buildah(self, engine, monkeypatch):
        """From now on a build that needs buildah fails."""
        def refuse():
            monkeypatch.setattr(engine._parts.builder, 'start', None)
            monkeypatch.setattr(engine._parts.builder, 'prepare', None)
        return refuse

    def test_it_says_and_is_what_the_builder_would(self, engine, without_buildah):
        build(engine, self.RECIPE, files={'f': 'x'}, tags=('before:1',))
        by_buildah = build(engine, self.RECIPE + '\n', files={'f': 'x'}, tags=('before:2',))
        assert 'Using cache' in said(by_buildah)
        without_buildah()
        by_us = build(engine, self.RECIPE, files={'f': 'x'}, tags=('before:3',))
        assert said(by_us) == said(by_buildah).replace('before:2', 'before:3')
        assert made(by_us) == made(by_buildah) == engine.inspect_image('before:3').id

    @pytest.mark.parametrize('changed', [
        {'files': {'f': 'y'}}, {'files': {'f': 'x', 'g': ''}}, {'arguments': {'WHO': 'other'}},
        {'labels': {'a': 'b'}}, {'target': 'one'}, {'extra_hosts': ('a:10.0.0.1',)}, {'cache': False}])
    def test_what_differs_is_built(self, engine, without_buildah, changed):
        asked = {'files': {'f': 'x'}, 'arguments': {'WHO': 'me'}}
        build(engine, self.RECIPE, **asked)
        without_buildah()
        assert 'Successfully built' in said(build(engine, self.RECIPE, **asked))
        with pytest.raises(TypeError, match='NoneType'):
            build(engine, self.RECIPE, **{**asked, **changed})

    def test_another_base_or_a_lost_result_is_built(self, engine, load_into, without_buildah):
        recipe = 'FROM moving:1\nCOPY --from=moving:2 /a /b\n'
        for name in ('moving:1', 'moving:2'):
            load_into(name, 'first')
        first = made(build(engine, recipe))
        load_into('moving:2', 'second')
        second = made(build(engine, recipe))
        assert first != second
        engine.tag_image('moving:1', 'moving:2')
        assert made(build(engine, recipe)) == first
        engine.remove_image(first)
        without_buildah()
        with pytest.raises(TypeError, match='NoneType'):
            build(engine, recipe)

    @pytest.fixture
    def load_into(self, engine, tmp_path):
        def make(name, text):
            busybox_image.build(tmp_path / 'i.tar', name, files={'/a': text})
            engine.load(io.BytesIO((tmp_path / 'i.tar').read_bytes()))
        return make

    def test_a_base_is_pulled_again_if_that_is_asked_for(self, engine, registry, tmp_path):
        name = f'{registry}/pulled:1'
        for text in ('old', 'new'):
            busybox_image.build(tmp_path / 'i.tar', name, files={'/a': text})
            engine.load(io.BytesIO((tmp_path / 'i.tar').read_bytes()))
            if text == 'old':
                old = engine.inspect_image(name).id
            list(engine.push(name))
        engine.tag_image(old, name)
        recipe = f'FROM {name}\nCOPY f /f\n'
        stale = made(build(engine, recipe, files={'f': 'x'}))
        assert made(build(engine, recipe, files={'f': 'x'})) == stale
        assert made(build(engine, recipe, files={'f': 'x'}, pull=True)) != stale


def test_stages_take_from_each_other(engine):
    recipe = ('ARG BASE=box\nFROM ${BASE}:1 AS one\nRUN echo made > /made\nFROM scratch AS two\n'
              'COPY --from=one /made /taken\nCOPY --from=box:1 /etc/passwd /passwd\n')
    info = engine.inspect_image(made(build(engine, recipe)))
    assert len(info.diff_ids) == 2
    first = engine.inspect_image(made(build(engine, recipe, target='one')))
    assert len(first.diff_ids) == len(engine.inspect_image('box:1').diff_ids) + 1


ODD_FILES = r'''FROM box:1
RUN mkdir -p /odd/deep && cd /odd && printf x > "$(printf 'no\377utf8')" && : > empty && mkfifo pipe && \
    printf 'a long line' > "$(printf '%0200d' 0)" && ln -s /etc/passwd link && ln empty deep/hard && \
    dd if=/dev/zero of=holes bs=1 count=1 seek=1000000 2>/dev/null && chmod 4711 holes && rm /etc/passwd
RUN rm -r /odd/deep && mkdir /odd/deep && echo new > /odd/deep/new
'''


def test_files_of_every_kind_are_taken_as_they_are(engine):
    """Byte by byte, or their layers would not have the digests that buildah gave them."""
    info = engine.inspect_image(made(build(engine, ODD_FILES)))
    container = engine.create(ContainerSpec(name='odd', image=info.id, process=ProcessSpec(command=('true',))))
    try:
        packed = io.BytesIO(b''.join(engine.copy_out(container, '/odd')))
        with tarfile.open(fileobj=packed, encoding='utf-8') as tar:
            names = {name.rpartition('/')[2] for name in tar.getnames()}
        assert names == {'odd', 'no\udcffutf8', 'empty', 'pipe', '0' * 200, 'link', 'holes', 'deep', 'new'}
        holes = engine.stat_path(container, '/odd/holes')
        assert (holes.size_bytes, holes.mode & 0o7777) == (1000001, 0o4711)
        with pytest.raises(errors.NotFound):
            engine.stat_path(container, '/etc/passwd')
    finally:
        engine.remove(container)


def test_a_stage_that_is_only_copied_from_is_not_taken(engine):
    before = set(engine_layers(engine))
    recipe = 'FROM box:1 AS one\nRUN echo $RANDOM > /made\nFROM box:1\nCOPY --from=one /made /taken\nRUN echo x > /x\n'
    build(engine, recipe, cache=False)
    assert len(set(engine_layers(engine)) - before) == 2


def engine_layers(engine):
    folder = pathlib.Path(engine.info().state_dir) / 'layers'
    return [path.name for path in folder.iterdir()]


def damage_content(storage, layer):
    (storage / 'overlay' / layer / 'diff' / 'whole').write_text('wrong\n')


def damage_description(storage, layer):
    (storage / 'overlay-layers' / f'{layer}.tar-split.gz').unlink()


@pytest.mark.parametrize('damage', [damage_content, damage_description])
def test_a_damaged_cache_is_told_of_and_can_be_removed(engine, damage):
    recipe = f'FROM box:1\nRUN echo {damage.__name__} > /whole\n'
    image_id = made(build(engine, recipe))
    engine.remove_image(image_id)
    storage = pathlib.Path(engine.info().state_dir) / 'builds' / 'storage'
    [file] = (path for path in (storage / 'overlay').glob('*/diff/whole') if damage.__name__ in path.read_text())
    damage(storage, file.parents[1].name)
    with pytest.raises(errors.HostFailure, match=r'kept for later builds is damaged: .*docker builder prune'):
        build(engine, recipe)
    engine.prune_builds()
    again = made(build(engine, recipe))
    assert len(engine.inspect_image(again).diff_ids) == len(engine.inspect_image('box:1').diff_ids) + 1


def test_what_was_used_since_a_moment_is_kept(engine):
    recipe = 'FROM box:1\nRUN echo kept > /kept\n'
    build(engine, recipe)
    assert engine.prune_builds(until=time.time() - 600) == 0
    assert 'Using cache' in said(build(engine, recipe + '\n'))
    assert engine.prune_builds(until=time.time() + 600) > 0
    assert 'Using cache' not in said(build(engine, recipe + '\n\n'))


def test_a_step_is_confined_as_a_container_is(engine):
    told = said(build(engine, 'FROM box:1\nRUN grep -e CapEff -e Seccomp: /proc/self/status; mount -t tmpfs x /mnt || '
                              'echo no mount; ls -d /sys/firmware/* || true; ip link | grep -c . ; '
                              'echo x > /proc/sys/kernel/hostname || echo no sysctl\n', cache=False))
    assert 'CapEff:\t00000000a80425fb' in told
    assert 'Seccomp:\t2' in told
    assert 'no mount' in told
    assert 'no sysctl' in told
    assert '\n2\n' in told  # two lines of ip link: loopback only


def test_a_context_does_not_lead_out_of_itself(engine, tmp_path):
    (tmp_path / 'secret').write_text('FROM outside\n')
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode='w') as archive:
        for name, target in (('Dockerfile', str(tmp_path / 'secret')), ('.dockerignore', '/etc/passwd')):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, target
            archive.addfile(link)
    with pytest.raises(errors.InvalidRequest, match='Cannot locate specified Dockerfile'):
        list(engine.build(io.BytesIO(buffer.getvalue()), BuildSpec()))
    with pytest.raises(errors.InvalidRequest, match='Cannot locate specified Dockerfile'):
        list(engine.build(context('FROM box:1\n'), BuildSpec(dockerfile='../../policy.json')))


def test_what_only_docker_knows_of_an_image_is_kept(engine):
    recipe = 'FROM box:1\nHEALTHCHECK --interval=5s CMD true\nSHELL ["/bin/sh", "-ec"]\nONBUILD RUN true\nRUN echo x\n'
    config = engine.inspect_image(made(build(engine, recipe))).config
    assert config['Healthcheck']['Interval'] == 5_000_000_000
    assert (config['Shell'], config['OnBuild']) == (['/bin/sh', '-ec'], ['RUN true'])


@pytest.mark.parametrize(('recipe', 'sentence'), [
    ('FROM box:1\nRUX echo\n', 'unknown instruction: RUX'), ('RUN echo\n', 'no build stage'),
    ('FROM box:1\nCOPY nothing /x\n', 'nothing'), ('FROM\n', 'FROM requires'),
])
def test_a_wrong_recipe_is_refused_with_a_sentence(engine, recipe, sentence):
    with pytest.raises(errors.InvalidRequest, match=sentence):
        build(engine, recipe)


def test_a_base_image_is_pulled_if_it_is_not_here(engine, registry, tmp_path):
    busybox_image.build(tmp_path / 'i.tar', f'{registry}/base:1', files={'/pulled': 'x'})
    [info] = engine.load(io.BytesIO((tmp_path / 'i.tar').read_bytes()))
    list(engine.push(f'{registry}/base:1'))
    engine.remove_image(info.id)
    told = build(engine, f'FROM {registry}/base:1\nRUN cat /pulled\n')
    assert any(one.status.startswith('Digest: ') for one in told)
    assert engine.inspect_image(f'{registry}/base:1').id == info.id
    with pytest.raises(errors.ImageNotFound):
        build(engine, f'FROM {registry}/none:1\nRUN true\n')


def test_a_build_that_nobody_waits_for_ends_with_all_it_started(engine):
    building = engine.build(context('FROM box:1\nRUN echo begun; exec sleep 98765\n'), BuildSpec(network='none'))
    while next(building).stream != 'begun\n':
        pass
    eventually(lambda: running('98765'), 5)
    building.close()
    eventually(lambda: not running('98765'), 5)
    assert 'Successfully built' in said(build(engine, 'FROM box:1\nRUN echo later\n'))


def running(text):
    found = []
    for process in pathlib.Path('/proc').glob('[0-9]*/cmdline'):
        try:
            words = process.read_bytes().split(b'\0')
        except OSError:
            continue
        found += [words] if words[0].endswith(b'sleep') and text.encode() in words else []
    return found


def test_builds_at_the_same_time_do_not_disturb_each_other(engine):
    told = {}
    threads = [threading.Thread(target=lambda number=number: told.setdefault(number, build(
        engine, f'FROM box:1\nRUN echo {number} > /n\nRUN cat /n\n', cache=False))) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({made(lines) for lines in told.values()}) == 3


def test_the_folder_of_the_engine_may_have_any_name(tmp_path):
    busybox_image.build(tmp_path / 'box.tar', 'box:1')
    with opened(below='.hidden/UPPER') as (engine, _):
        engine.load(io.BytesIO((tmp_path / 'box.tar').read_bytes()))
        assert made(build(engine, 'FROM box:1\nRUN echo hi > /greeting\n'))


def test_what_is_kept_for_later_builds_can_be_forgotten(engine):
    recipe = 'FROM box:1\nRUN echo forgotten\n'
    build(engine, recipe)
    engine.prune_builds()
    assert 'Using cache' not in said(build(engine, recipe))


@pytest.fixture
def docker(url, tmp_path):
    """Run the docker command: ``docker('build', ...)``."""
    def run(*words, code=0, stdin=None):
        done = subprocess.run(['docker', *map(str, words)], capture_output=True, text=True, timeout=60, input=stdin,
                              env={'PATH': os.environ['PATH'], 'DOCKER_HOST': url, 'DOCKER_CONFIG': str(tmp_path),
                                   'DOCKER_BUILDKIT': '0'}, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


class TestPrograms:
    """The docker command and the SDK."""

    @pytest.fixture
    def engine(self, opened_engine):
        return opened_engine[0]

    @pytest.fixture
    def box(self, load):
        return load('box:1', files={'/x': 'y'}, config={'Cmd': ['cat', '/x']})

    @pytest.fixture
    def folder(self, tmp_path):
        made = tmp_path / 'context'
        made.mkdir()
        (made / 'f').write_text('from the context\n')
        (made / 'left-out').write_text('x')
        (made / '.dockerignore').write_text('left-out\n')
        (made / 'Dockerfile').write_text('FROM box:1\nARG A\nCOPY . /c\nRUN ls /c; echo $A\n')
        return made

    def test_the_docker_command_builds(self, docker, box, folder, tmp_path):
        shown = docker('build', '--network', 'none', '--build-arg', 'A=given', '-t', 'made:1', folder)
        assert 'given' in shown
        assert 'left-out' not in shown
        assert 'Successfully tagged made:1' in shown
        outside = tmp_path / 'Other'
        outside.write_text('FROM box:1\nRUN echo from outside\n')
        assert 'from outside' in docker('build', '--network', 'none', '-f', outside, folder)
        assert docker('build', '-q', '--network', 'none', '-t', 'made:2', folder).startswith('sha256:')
        assert 'returned a non-zero code: 7' in docker('build', '-', stdin='FROM box:1\nRUN exit 7\n', code=7)
        docker('builder', 'prune', '-f')

    def test_the_docker_command_moves_images(self, docker, box, registry, tmp_path):
        name = f'{registry}/cli:1'
        docker('tag', 'box:1', name)
        pushed = docker('push', name)
        digest = pushed.partition('digest: ')[2].split()[0]
        docker('rmi', name, 'box:1')
        assert f'Digest: {digest}' in docker('pull', name)
        assert digest in docker('images', '--digests', f'{registry}/cli')
        assert docker('inspect', '-f', '{{index .RepoDigests 0}}', name).strip() == f'{registry}/cli@{digest}'
        assert f'{registry}/cli' in docker('search', f'{registry}/cli')
        assert 'not found: manifest unknown' in docker('pull', f'{registry}/none:1', code=1)
        docker('tag', name, f'{registry}/cli:2')
        assert docker('push', '-a', f'{registry}/cli').count('digest: sha256:') == 2
        assert docker('history', '-q', name).split()[0] in box.id
        with tarfile.open(tmp_path / 'tree.tar', 'w') as archive:
            archive.addfile(tarfile.TarInfo('empty'))
        imported = docker('import', '-c', 'CMD ["x"]', '-m', 'why', tmp_path / 'tree.tar', 'imported:1').strip()
        assert docker('inspect', '-f', '{{.Id}} {{.Config.Cmd}}', 'imported:1').strip() == f'{imported} [x]'

    def test_the_sdk_builds_pulls_and_pushes(self, url, box, registry, folder):
        client = sdk.DockerClient(base_url=url)
        image, log = client.images.build(path=str(folder), tag=f'{registry}/sdk:1', network_mode='none',
                                         buildargs={'A': 'given'}, labels={'l': 'v'}, rm=True)
        assert any('given' in line.get('stream', '') for line in log)
        assert image.labels['l'] == 'v'
        lines = list(client.images.push(f'{registry}/sdk', tag='1', stream=True, decode=True))
        assert [line['aux']['Tag'] for line in lines if 'aux' in line] == ['1'], lines[-3:]
        client.images.remove(f'{registry}/sdk:1')
        pulled = client.images.pull(f'{registry}/sdk', tag='1')
        assert pulled.id == image.id
        assert client.images.get_registry_data(f'{registry}/sdk:1').attrs['Descriptor']['digest'] in (
            pulled.attrs['RepoDigests'][0])
        with pytest.raises(sdk.errors.BuildError, match='returned a non-zero code: 3'):
            client.images.build(fileobj=io.BytesIO(b'FROM box:1\nRUN exit 3\n'))
        client.close()
