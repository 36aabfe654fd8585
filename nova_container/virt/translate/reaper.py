# SPDX-License-Identifier: Apache-2.0
"""Whether a server's first process looks after orphans itself. Pure.

Process 1 of a container inherits every orphan, and gets no signal that it does not handle. Most programs are not
written for that: they get a small init in front. One that is an init stays process 1.
"""

import dataclasses
import posixpath
from collections.abc import Mapping
from typing import Any

from nova_container.engine import spec as specs

#: Programs that reap, by the last component of their path.
INITS = frozenset({'init', 'systemd', 'tini', 'tini-static', 'docker-init', 'dumb-init', 'catatonit', 's6-svscan',
                   'runit', 'runsvdir', 'openrc-init', 'finit', 'my_init', 'supervisord'})


def with_reaper(spec: specs.ContainerSpec, image_config: Mapping[str, Any]) -> specs.ContainerSpec:
    """The spec with ``init`` decided, unless the flavor did: by the program that the server or the image names."""
    if spec.init is not None:
        return spec
    program = _program(spec.process, image_config)
    return dataclasses.replace(spec, init=posixpath.basename(program) not in INITS)


def _program(process: specs.ProcessSpec, image_config: Mapping[str, Any]) -> str:
    entrypoint = process.entrypoint if process.entrypoint is not None else tuple(image_config.get('Entrypoint') or ())
    own = process.entrypoint and process.command is None
    command = () if own else process.command if process.command is not None else tuple(image_config.get('Cmd') or ())
    return next(iter((*entrypoint, *(command or ()))), '')
