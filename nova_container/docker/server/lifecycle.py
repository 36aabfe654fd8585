# SPDX-License-Identifier: Apache-2.0
"""Handlers: containers started, stopped, signalled, paused and waited for."""

from collections.abc import Iterator

from nova_container import errors
from nova_container.docker.server.feed import Subscription
from nova_container.docker.server.message import NO_CONTENT, Answer, Call, Reply, Stream, line
from nova_container.engine import Event, ExitInfo, Status

_ALREADY = Reply(304)


def start(call: Call) -> Answer:
    if call.query.text('checkpoint'):
        raise errors.Unsupported('Checkpoints need CRIU, which this engine does not use: start without one')
    call.engine.start(call.container)
    return NO_CONTENT


def stop(call: Call) -> Answer:
    """304 for one that is stopped already, as Docker answers, though the contract's ``stop`` is silent.

    The engine hears of it all the same: one that is being started by its restart policy is stopped by then.
    """
    active = call.engine.inspect(call.container).status.active
    call.engine.stop(call.container, grace_s=call.query.seconds('t'), signal=call.query.text('signal'))
    return NO_CONTENT if active else _ALREADY


def restart(call: Call) -> Answer:
    call.engine.restart(call.container, grace_s=call.query.seconds('t'), signal=call.query.text('signal'))
    return NO_CONTENT


def kill(call: Call) -> Answer:
    call.engine.kill(call.container, call.query.text('signal') or 'SIGKILL')
    return NO_CONTENT


def pause(call: Call) -> Answer:
    """Docker refuses what is done already, where the contract's verbs are silent."""
    if call.engine.inspect(call.container).status is Status.PAUSED:
        raise errors.WrongState(f'Container {call.container} is already paused')
    call.engine.pause(call.container)
    return NO_CONTENT


def unpause(call: Call) -> Answer:
    if call.engine.inspect(call.container).status is Status.RUNNING:
        raise errors.WrongState(f'Container {call.container} is not paused')
    call.engine.unpause(call.container)
    return NO_CONTENT


def wait(call: Call) -> Answer:
    """The head is sent at once: clients take it as the sign that the wait has begun."""
    condition = call.query.text('condition') or 'not-running'
    if condition not in ('not-running', 'next-exit', 'removed'):
        raise errors.InvalidRequest(f'invalid condition: {condition[:64]!r}')
    found = call.engine.inspect(call.container)
    if condition == 'not-running':
        return Stream(_until_ended(call, found.id))
    before = 0 if found.exit is None else found.exit.code
    return Stream(_until_event(call, found.id, call.context.feed.subscribe(), condition, before))


def _until_ended(call: Call, container_id: str) -> Iterator[bytes]:
    yield b''
    while not call.client.is_gone():
        try:
            ended = call.engine.wait(container_id, timeout_s=call.context.limits.slice_s)
        except errors.ContainerNotFound:
            ended = ExitInfo(code=0)  # it was removed while we waited, and nobody knows any more
        if ended is not None:
            yield _exit_line(ended.code)
            return


def _until_event(call: Call, container_id: str, events: Subscription, condition: str, code: int) -> Iterator[bytes]:
    """``code`` is of the end before, which one that is only removed has."""
    try:
        yield b''
        while not (call.client.is_gone() or events.ended):
            event = events.next(call.context.limits.slice_s)
            if event is None or event.actor_id != container_id:
                continue
            if event.action == 'die':
                code = _exit_code(event)
            if event.action == ('die' if condition == 'next-exit' else 'destroy'):
                yield _exit_line(code)
                return
    finally:
        call.context.feed.unsubscribe(events)


def _exit_code(event: Event) -> int:
    text = event.attributes.get('exitCode', '0')
    return int(text) if text.isdigit() else 0


def _exit_line(code: int) -> bytes:
    return line({'StatusCode': code, 'Error': None})
