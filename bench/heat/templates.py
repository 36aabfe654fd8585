# SPDX-License-Identifier: Apache-2.0
"""Templates of the Heat bench: so many resources that do not depend on each other."""

from typing import Any

VERSION = '2021-04-16'
PLAIN, AT_ONCE = 'plain', 'at-once'
SHAPES = (PLAIN, AT_ONCE)
"""Plain is a list. At once, a resource comes before all and one after all.

Heat waits a second after it has started one that depends on none, and so starts a list one a second, also when it
deletes (heat/engine/stack.py, converge_stack). Those that a first one, or a last one, sets free, it starts all at once.
"""
Template = dict[str, Any]


def containers(shape: str, count: int, image: str, endpoint: str) -> Template:
    """Containers that run what their image says, each complete when it runs."""
    return _shaped(shape, count, {'type': 'OS::Docker::Container', 'properties': {
        'endpoint': endpoint, 'image': image}})


def nothing(shape: str, count: int) -> Template:
    """Heat's own test resources, which keep a word in its database and wait for nothing."""
    return _shaped(shape, count, _NOTHING)


def small() -> Template:
    """What a user has validated meanwhile."""
    return _of({'word': {'type': 'OS::Heat::RandomString', 'properties': {'length': 12}}})


_NOTHING = {'type': 'OS::Heat::TestResource', 'properties': {'action_wait_secs': {'create': 0, 'delete': 0}}}


def _shaped(shape: str, count: int, resource: Template) -> Template:
    names = [f'one_{number:03}' for number in range(count)]
    if shape == PLAIN:
        return _of(dict.fromkeys(names, resource))
    return _of({'first': _NOTHING, 'last': {**_NOTHING, 'depends_on': names},
                **dict.fromkeys(names, {**resource, 'depends_on': 'first'})})


def _of(resources: dict[str, Template]) -> Template:
    return {'heat_template_version': VERSION, 'resources': resources}
