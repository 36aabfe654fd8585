# SPDX-License-Identifier: Apache-2.0
"""Progress, credentials and builds on the wire."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova_container import errors
from nova_container.docker.wire import build, registry
from nova_container.engine import BuildSpec, Credentials, Progress, Resources
from nova_container.engine.spec import Ulimit

_TEXT = st.text(st.characters(codec='utf-8', exclude_characters='\0'), max_size=20)


@given(_TEXT.filter(bool), _TEXT.filter(bool))
def test_credentials_come_back(name, password):
    credentials = Credentials(username=name, password=password, server='a:1')
    assert registry.credentials_of(registry.header_of(credentials)['X-Registry-Auth']) == credentials
    assert registry.all_credentials_of(registry.config_header_of((credentials,))['X-Registry-Config']) == (credentials,)


def encoded(fields):
    return base64.b64encode(json.dumps(fields).encode()).decode()


@pytest.mark.parametrize(('fields', 'expected'), [
    ({}, None), ({'username': '', 'password': ''}, None),
    ({'auth': base64.b64encode(b'a:b:c').decode()}, Credentials(username='a', password='b:c')),
    ({'identitytoken': 't', 'serveraddress': 's'}, Credentials(username='<token>', token='t', server='s')),
    ({'registrytoken': 't'}, Credentials(token='t')),
])
def test_every_form_of_credentials_is_read(fields, expected):
    assert registry.credentials_of(encoded(fields)) == expected
    assert registry.credentials_of(encoded(fields).rstrip('=').encode()) == expected


@pytest.mark.parametrize('header', ['!', 'e30x', 'bnVsbA', base64.b64encode(b'[1]').decode(), 'x' * 100_000])
def test_rubbish_is_no_credentials(header):
    try:
        assert registry.credentials_of(header) is None
    except errors.InvalidRequest:
        return


def test_passwords_are_not_shown():
    assert 'secret' not in repr(Credentials(username='a', password='secret', token='secret'))


@pytest.mark.parametrize('progress', [
    Progress(status='Pulling fs layer', id='ab'), Progress(status='Downloading', id='ab', current_bytes=1,
                                                           total_bytes=2), Progress(stream='x\n')])
def test_progress_comes_back(progress):
    assert registry.progress_of(json.loads(json.dumps(registry.line_of(progress)))) == progress


def test_the_bar_is_docker_s():
    line = registry.line_of(Progress(status='Downloading', id='a', current_bytes=500_000, total_bytes=1_000_000))
    assert line['progress'] == '[' + '=' * 25 + '>' + ' ' * 24 + ']    500kB/1MB'


def test_failures_come_back_as_what_they_are():
    for error in (errors.Denied('no'), errors.StepFailed('step', 7), errors.Unavailable('away')):
        with pytest.raises(type(error), match=str(error)) as raised:
            registry.progress_of(registry.error_line(error))
        assert getattr(raised.value, 'code', 0) == getattr(error, 'code', 0)


def test_a_build_comes_back():
    spec = BuildSpec(dockerfile='D', tags=('a:1',), arguments={'A': 'b'}, labels={'l': 'v'}, target='t', cache=False,
                     pull=True, platform='linux/amd64', network='none', extra_hosts=('h:192.0.2.1',),
                     limits=Resources(memory_bytes=1 << 20, memory_swap_bytes=-1, cpu_shares=5, cpuset_cpus='0',
                                      cpuset_mems='0', cpu_quota_us=5000, cpu_period_us=10000),
                     ulimits=(Ulimit(name='nofile', soft=7, hard=9),), shm_bytes=1 << 20)
    query = {name: str(value) for name, value in build.query_of(spec).items() if name != 't'}
    assert build.spec_of(query, spec.tags, ()) == spec


@pytest.mark.parametrize('values', [{'remote': 'https://x'}, {'squash': '1'}, {'outputs': '["a"]'}])
def test_what_is_not_supported_is_refused(values):
    with pytest.raises(errors.Unsupported):
        build.check(values)
    build.check(dict.fromkeys(values, '') | {'outputs': '[]', 'securityopt': 'null', 'squash': 'False'})
