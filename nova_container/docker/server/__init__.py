# SPDX-License-Identifier: Apache-2.0
"""The Docker Engine API over a socket, for any engine."""

from nova_container.docker.policy import Level
from nova_container.docker.server.access import Access
from nova_container.docker.server.limits import Limits
from nova_container.docker.server.listener import Server

__all__ = ['Access', 'Level', 'Limits', 'Server']
