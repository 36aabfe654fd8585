# SPDX-License-Identifier: Apache-2.0
"""Handlers: parts of the API that this engine does not have, each with a sentence."""

from nova_container import errors
from nova_container.docker.server.message import Answer, Call, Handler, of_json


def unsupported(sentence: str) -> Handler:
    """A handler that answers 501."""
    def refuse(call: Call) -> Answer:
        raise errors.Unsupported(sentence)

    return refuse


cluster_volume = unsupported('This engine has no cluster volumes: a volume of it cannot be changed')
attestations = unsupported('This engine keeps no attestations of images')
plugin = unsupported('This engine has no plugins')
checkpoint = unsupported('This engine does not use CRIU, which checkpoints need: stop the container and start it again')
session = unsupported('This engine has no BuildKit sessions')


def swarm(call: Call) -> Answer:
    """Docker's own answer on a node that is in no swarm."""
    return of_json({'message': 'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" '
                               'to connect this node to swarm and try again.', 'kind': 'unavailable'}, 503)
