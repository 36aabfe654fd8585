# SPDX-License-Identifier: Apache-2.0
"""One container in a stack, for tests: its template, and what became of it."""

import json
from collections.abc import Mapping
from typing import Any

from heat.engine import stack as heat_stack

from heat_container import names
from nova_container.engine import ContainerInfo
from tests.unit.heat import stacks

IMAGE = 'box:1'


def template(properties: Mapping[str, Any] | None = None, outputs: Mapping[str, Any] | None = None,
             parameters: Mapping[str, Any] | None = None, more: Mapping[str, Any] | None = None,
             **resource: Any) -> str:
    """A template with the container ``web``; JSON is YAML."""
    return json.dumps({
        'heat_template_version': '2021-04-16', 'parameters': dict(parameters or {}),
        'resources': {'web': {'type': 'OS::Docker::Container', **resource,
                              'properties': {'image': IMAGE, **(properties or {})}}, **(more or {})},
        'outputs': {name: {'value': value} for name, value in (outputs or {}).items()}})


def containers(cloud: stacks.Cloud) -> tuple[ContainerInfo, ...]:
    """All that Heat made, newest first."""
    return tuple(info for info in cloud.engine.list() if names.PROJECT in info.labels)


def only(cloud: stacks.Cloud) -> ContainerInfo:
    """The one that Heat made."""
    [info] = containers(cloud)
    return info


def attribute(cloud: stacks.Cloud, stack: heat_stack.Stack, *path: Any) -> Any:
    loaded = cloud.load(stack)  # its resources hold it weakly
    return loaded['web'].FnGetAtt(*path)
