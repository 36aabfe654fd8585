# SPDX-License-Identifier: Apache-2.0
"""The small parts of the server, each by itself: filters, detach keys, changes of a commit, words for durations."""

import json

import pytest

from nova_container import errors
from nova_container.docker.server import changes, detach, filters, routes
from nova_container.docker.wire import inspection, listing, processes, units
from nova_container.engine import ContainerInfo, ContainerSpec, ExitInfo, ImageInfo, ProcessRow, ProcessSpec, Status
from nova_container.engine.network import Port
from tests.unit.docker.raw import RawClient

BY_DIGEST = f'box@sha256:{"a" * 64}'


@pytest.fixture
def asked(server, socket_path, fake):
    """Names of containers a filter lets through."""
    fake.add_image('busybox:latest')
    for name, labels in (('web-1', {'tier': 'web'}), ('web-2', {'tier': 'web', 'old': ''}), ('db', {'tier': 'db'})):
        fake.create(ContainerSpec(name=name, image='busybox', labels=labels,
                                  process=ProcessSpec(command=('sleep', '600'))))
    fake.start('web-1')
    fake.start('db')
    fake.exit('db', 3)
    fake.wait('db')
    with RawClient(socket_path) as raw:

        def ask(filters=None, **query):
            query |= {'filters': json.dumps(filters)} if filters else {}
            text = '&'.join(f'{name}={value}' for name, value in query.items())
            text = text.replace('"', '%22').replace(' ', '').replace('{', '%7B').replace('^', '%5E')
            status, rows = raw.document('GET', f'/containers/json?{text}')
            assert status == 200, rows
            return [row['Names'][0][1:] for row in rows]

        yield ask


@pytest.mark.parametrize(('filters', 'names'), [
    (None, ['db', 'web-2', 'web-1']), ({'label': ['tier=web']}, ['web-2', 'web-1']),
    ({'label': ['tier=web', 'old']}, ['web-2']), ({'label': {'tier=db': True}}, ['db']),
    ({'name': ['web']}, ['web-2', 'web-1']), ({'name': ['^/db$']}, ['db']), ({'status': ['running']}, ['web-1']),
    ({'status': ['running', 'created']}, ['web-2', 'web-1']), ({'exited': ['3']}, ['db']),
    ({'ancestor': ['busybox']}, ['db', 'web-2', 'web-1']), ({'ancestor': ['other']}, []),
    ({'before': ['web-2']}, ['web-1']), ({'since': ['web-1']}, ['db', 'web-2']), ({'network': ['none']},
                                                                                ['db', 'web-2', 'web-1']),
    ({'is-task': ['true']}, []), ({'isolation': ['default']}, ['db', 'web-2', 'web-1']), ({'expose': ['70-90']}, []),
    ({'publish': ['80']}, [])])
def test_containers_are_filtered(asked, filters, names):
    assert asked(filters, all=1) == names


@pytest.mark.parametrize(('wanted', 'fits'), [
    ('80', True), ('80/tcp', True), ('80/udp', False), ('70-90', True), ('81-90', False), ('8', False)])
def test_a_port_is_in_a_range_of_its_protocol(wanted, fits):
    info = ContainerInfo(
        id='1', spec=ContainerSpec(name='it', image='box', exposed_ports=('80/tcp',)), status=Status.RUNNING,
        image_id='', ports=(Port(container_port=8080, host_port=80),))
    assert bool(filters.containers([info], {'expose': (wanted,)})) is fits
    assert bool(filters.containers([info], {'publish': (wanted,)})) is fits


@pytest.mark.parametrize(('patterns', 'names'), [
    (['box'], ('box:1', BY_DIGEST)), (['box:1'], ('box:1',)), (['b*'], ('box:1', BY_DIGEST)),
    (['*'], ('box:1', BY_DIGEST)), (['*/*:2'], ('team/other:2',)), (['team/[n-p]ther'], ('team/other:2',)),
    (['b?x:1', 'team/*'], ('box:1', 'team/other:2')), ([r'b\ox:1'], ('box:1',)), (['none'], None)])
def test_an_image_is_shown_by_the_names_that_match(patterns, names):
    info = ImageInfo(id='sha256:1', references=('box:1', 'team/other:2', BY_DIGEST), created_at=0,
                     size_bytes=0, diff_ids=(), architecture='amd64', os='linux', config={})
    found = filters.images([info], {'reference': tuple(patterns)})
    assert [one.references for one in found] == ([] if names is None else [names])


@pytest.mark.parametrize(('pattern', 'fits'), [
    ('a*b*c', True), ('a*b*b*c', True), ('*c', True), ('a*', True), ('**', True), ('a*x*c', True), ('a*y*c', False),
    ('a?b*c', True), ('a*c*c', False), ('*a*b*', True), ('*[b-b]*c', True)])
def test_stars_fit_as_in_a_shell(pattern, fits):
    info = ImageInfo(id='sha256:1', references=('axbxbxc:1',), created_at=0, size_bytes=0, diff_ids=(), architecture='',
                     os='', config={})
    assert bool(filters.images([info], {'reference': (pattern,)})) is fits


def test_many_stars_take_no_time():
    info = ImageInfo(id='sha256:1', references=(f'{"a" * 200}:1',), created_at=0, size_bytes=0, diff_ids=(),
                     architecture='', os='', config={})
    assert filters.images([info], {'reference': ('a*' * 100 + 'b',)}) == []


def test_a_broken_pattern_is_refused():
    info = ImageInfo(id='sha256:1', references=(), created_at=0, size_bytes=0, diff_ids=(), architecture='', os='',
                     config={})
    with pytest.raises(errors.InvalidRequest, match='is no pattern'):
        filters.images([info], {'reference': ('[z-a]',)})


def test_a_list_shows_the_running_and_may_be_cut(asked):
    assert asked() == ['web-1']
    assert asked(limit=2) == ['db', 'web-2']


def test_a_filter_nobody_knows_is_refused(server, socket_path):
    with RawClient(socket_path) as raw:
        for filters in ('%7B%22colour%22:[%22red%22]%7D', '[]', 'x', '%7B%22name%22:[%22(%22]%7D'):
            for target in ('/containers/json?all=1', '/images/json?x=1'):
                status, body = raw.document('GET', f'{target}&filters={filters}')
                assert status == 400 or (body == [] and 'name' in filters), body


@pytest.mark.parametrize(('typed', 'kept', 'pressed'), [
    ([b'abc'], b'abc', False), ([b'ab\x10\x11cd'], b'ab', True), ([b'\x10', b'\x11'], b'', True),
    ([b'\x10', b'x'], b'\x10x', False), ([b'\x10\x10\x11'], b'\x10', True), ([b'a\x10'], b'a', False)])
def test_detach_keys_are_taken_out_of_what_is_typed(typed, kept, pressed):
    keys = detach.DetachKeys('')
    assert b''.join(keys.filter(data) for data in typed) == kept
    assert keys.pressed is pressed


def test_detach_keys_may_be_chosen():
    assert detach.parse('ctrl-a,b,ctrl-@') == b'\x01b\x00'
    for wrong in ('ctrl-', 'ctrl-1', 'ab', 'ä'):
        with pytest.raises(errors.InvalidRequest):
            detach.parse(wrong)


def test_changes_are_laid_over_the_configuration():
    base = {'Env': ['A=1', 'B=2'], 'Labels': {'x': 'y'}, 'ExposedPorts': {'1/udp': {}}}
    lines = ['CMD ["a", "b"]', 'ENTRYPOINT run it', 'ENV A=3 C="two words"', 'LABEL l=v', 'EXPOSE 80 81/udp',
             'USER 1', 'WORKDIR /w\nSTOPSIGNAL SIGINT', 'VOLUME ["/v"]', 'ENV D four five']
    assert changes.apply(lines, lambda: base) == {
        'Cmd': ['a', 'b'], 'Entrypoint': ['/bin/sh', '-c', 'run it'],
        'Env': ['A=3', 'B=2', 'C=two words', 'D=four five'], 'Labels': {'x': 'y', 'l': 'v'},
        'ExposedPorts': {'1/udp': {}, '80/tcp': {}, '81/udp': {}}, 'User': '1', 'WorkingDir': '/w',
        'StopSignal': 'SIGINT', 'Volumes': {'/v': {}}}
    assert changes.apply([], dict) == {}
    with pytest.raises(errors.Unsupported):
        changes.apply(['RUN rm -rf /'], dict)
    for wrong in ('CMD [1]', 'CMD [', 'ENV "'):
        with pytest.raises(errors.InvalidRequest):
            changes.apply([wrong], dict)


@pytest.mark.parametrize(('seconds', 'words'), [
    (0, 'Less than a second'), (1, '1 second'), (59, '59 seconds'), (61, 'About a minute'), (300, '5 minutes'),
    (3700, 'About an hour'), (40 * 3600, '40 hours'), (3 * 86400, '3 days'), (15 * 86400, '2 weeks'),
    (70 * 86400, '2 months'), (800 * 86400, '2 years')])
def test_durations_are_told_as_docker_does(seconds, words):
    assert listing.duration(seconds) == words


def test_the_status_of_a_row_is_a_sentence():
    info = ContainerInfo(id='1', spec=ContainerSpec(name='c', image='i'), status=Status.STOPPED, image_id='x')
    assert listing.sentence(info, 100) == 'Exited'
    ended = ContainerInfo(id='1', spec=info.spec, status=Status.STOPPED, image_id='x',
                          exit=ExitInfo(code=3, finished_at=95))
    assert listing.sentence(ended, 100) == 'Exited (3) 5 seconds ago'
    assert inspection.state_body(ended)['FinishedAt'] == '1970-01-01T00:01:35.000000000Z'


@pytest.mark.parametrize(('ps_args', 'titles'), [
    ('', ['UID', 'PID', 'PPID', 'C', 'STIME', 'TTY', 'TIME', 'CMD']), ('-o pid,comm', ['PID', 'COMMAND']),
    ('-opid', ['PID']), (processes.EXACT, ['PID', 'PPID', 'UID', 'ELAPSED', 'TIME', 'TTY', 'COMMAND'])])
def test_top_has_the_columns_asked_for(ps_args, titles):
    row = ProcessRow(pid=7, parent_pid=1, uid=0, started_at=90.0, cpu_s=3725.5, tty='', command='/bin/sh -c x')
    body = processes.top_body((row,), ps_args, 100.0)
    assert body['Titles'] == titles
    assert len(body['Processes'][0]) == len(titles)
    if ps_args == processes.EXACT:
        assert processes.rows_of(body, 100.0) == (row,)


def test_top_refuses_columns_it_does_not_have():
    for ps_args in ('aux', '-o vsz', '-o', '; reboot'):
        with pytest.raises(errors.Unsupported):
            processes.top_body((), ps_args, 0)
    for body in ({'Processes': [['1']]}, {'Processes': [[None] * 7]}, {'Processes': [['x'] * 7]}):
        with pytest.raises(errors.Corrupt):
            processes.rows_of(body, 0)


@pytest.mark.parametrize(('text', 'seconds'), [
    ('', None), ('0', None), ('12', 12), ('12.5', 12.5), ('5m', 700), ('1h30m', 1000 - 5400),
    ('1970-01-01T00:01:00Z', 60), ('1970-01-01T01:01:00.5+01:00', 60.5), ('0001-01-01T00:00:00Z', None)])
def test_moments(text, seconds):
    assert units.moment_of(text, 1000.0) == seconds


def test_what_is_no_time_or_size_is_refused():
    for text in ('yesterday', '1970-13-01T00:00:00Z', '5', '1970-01-01'):
        with pytest.raises(errors.Corrupt if text != '1970-13-01T00:00:00Z' else (errors.Corrupt, ValueError)):
            units.seconds_of(text)
    assert [units.bytes_of(size, 'x') for size in ('1', '1k', '1.5M', '2gb', '1 KiB')] == [
        1, 1024, 1572864, 2 << 30, 1024]
    for size in ('', 'm', '-1', '1x', '1e3'):
        with pytest.raises(errors.InvalidSpec):
            units.bytes_of(size, 'x')


def test_every_route_is_found_by_its_own_path():
    for methods, pattern, handler in routes.ROUTES:
        path = pattern.replace('{id}', 'some-id').replace('/{name}', '/a/b:1').replace('{name}', '')
        for method in methods.split():
            found = routes.find(method, path)
            assert found is not None, path
            assert found[0] is handler, path
    assert routes.find('GET', '/images/quay.io/a%2Fb/json')[1] == {'name': 'quay.io/a/b'}
    assert routes.find('GET', 'containers/json') is None
