# SPDX-License-Identifier: Apache-2.0
"""Make an image from a Dockerfile."""

from collections.abc import Iterator
from typing import BinaryIO

from nova_container import errors
from nova_container.engine.registry import BuildSpec, Progress
from nova_container.runtime.parts import Parts


def build(parts: Parts, context: BinaryIO, spec: BuildSpec) -> Iterator[Progress]:
    """See ``RegistryOps.build``."""
    raise errors.Unsupported('not yet')
