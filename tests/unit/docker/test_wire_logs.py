# SPDX-License-Identifier: Apache-2.0
"""What is told beside each line of a log, if details are asked for."""

import pytest

from nova_container import errors
from nova_container.docker.wire import logs
from nova_container.docker.wire.document import Document
from nova_container.engine import ContainerInfo, ContainerSpec, LogLimits, ProcessSpec, Status


@pytest.mark.parametrize(('options', 'expected'), [
    ({}, ' '), ({'labels': 'a'}, 'a=b '), ({'labels': 'a,none,tier'}, 'a=b,tier=web '),
    ({'labels-regex': '^t'}, 'tier=web '), ({'env': 'E'}, 'E=1+%2B+2 '), ({'env-regex': 'E|F', 'labels': 'a'},
                                                                         'E=1+%2B+2,F=,a=b '),
    ({'tag': '{{.Name}}/{{ .ID }}'}, 'tag=it%2F012345678901 '), ({'tag': '{{.ImageName}}'}, 'tag=box '),
    ({'tag': 'x', 'labels': 'tag'}, 'tag=x '),
])
def test_details_are_what_the_options_of_the_log_name(options, expected):
    spec = ContainerSpec(name='it', image='box', labels={'tier': 'web', 'a': 'b'}, log=LogLimits(options=options),
                         process=ProcessSpec(env=('E=1 + 2', 'F=')))
    info = ContainerInfo(id='01234567890123', spec=spec, status=Status.RUNNING, image_id='sha256:1')
    assert logs.details(info) == expected


def test_a_pattern_that_is_none_is_refused():
    with pytest.raises(errors.InvalidSpec, match='regular expression'):
        logs.log_of(Document({'LogConfig': {'Config': {'labels-regex': '('}}}, 'HostConfig'))


def test_a_driver_of_another_engine_that_we_have_not_is_shown_as_the_default():
    assert logs.known_log_of(Document({'LogConfig': {'Type': 'journald', 'Config': {}}})) == LogLimits()
    assert logs.known_log_of(Document({'LogConfig': {'Type': 'none', 'Config': {}}})) == LogLimits(driver='none')
