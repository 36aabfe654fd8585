# SPDX-License-Identifier: Apache-2.0
"""Templates that would make heat-engine grow."""

import time
import tracemalloc

import pytest
from heat.common import exception

from heat_container import sizes
from nova_container import errors

HEAD = '''
heat_template_version: 2021-04-16
parameters:
  map: {type: json, default: {}}
  text: {type: string, default: ''}
  list: {type: comma_delimited_list, default: []}
resources:
'''
CONTAINER = HEAD + '''
  c:
    type: OS::Docker::Container
    properties: {image: busybox, environment: {get_param: map}, command: {get_param: list}}
'''
TEXT = HEAD + '''
  c:
    type: OS::Docker::Container
    properties: {image: busybox, command: [{get_param: text}]}
'''


@pytest.mark.parametrize(('template', 'parameters'), [
    (CONTAINER, {'map': {f'NAME{number}': 'x' for number in range(100_000)}}),
    (CONTAINER, {'list': ['x'] * 100_000}),
    (TEXT, {'text': 'x' * 1_000_000})])
def test_a_bomb_of_properties_is_a_validation_error(cloud, template, parameters):
    with pytest.raises(exception.StackValidationFailed, match='hold more than'):
        cloud.create(template, parameters)
    assert cloud.engine.calls == []


@pytest.mark.parametrize('bomb', [['x'] * 1_000_000, {str(number): 1 for number in range(1_000_000)},
                                  'x' * 10_000_000, [[['x' * 1000] * 100] * 100]])
def test_what_is_too_much_is_found_at_once_and_without_memory(bomb):
    tracemalloc.start()
    began = time.monotonic()
    with pytest.raises(errors.InvalidRequest):
        sizes.check({'environment': bomb})
    took_s, (_, peak) = time.monotonic() - began, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert took_s < 5
    assert peak < 64 << 20


def test_what_people_write_passes():
    sizes.check({'command': ['sh', '-c', 'x' * 100_000], 'environment': {f'N{n}': 'v' * 20 for n in range(2000)},
                 'unset': None, 'count': 3})
