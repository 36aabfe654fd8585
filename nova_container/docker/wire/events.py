# SPDX-License-Identifier: Apache-2.0
"""Events <-> the lines of GET /events."""

from nova_container.docker.wire.document import Document, Json
from nova_container.engine import state


def event_body(event: state.Event) -> Json:
    """One line; the lower-case names are those of before API 1.22, which clients still read."""
    body: Json = {'Type': event.type, 'Action': event.action, 'scope': 'local',
                  'Actor': {'ID': event.actor_id, 'Attributes': dict(event.attributes)},
                  'time': event.time_ns // 1_000_000_000, 'timeNano': event.time_ns}
    if event.type in ('container', 'image'):
        body |= {'status': event.action, 'id': event.actor_id}
    if 'image' in event.attributes:
        body['from'] = event.attributes['image']
    return body


def event_of(fields: object) -> state.Event:
    body = Document(fields)
    actor = body.document('Actor')
    return state.Event(type=body.text('Type'), action=body.text('Action'), actor_id=actor.text('ID'),
                       attributes=actor.mapping('Attributes'), time_ns=body.integer('timeNano') or 0)
