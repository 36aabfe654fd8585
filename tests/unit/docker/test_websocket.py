# SPDX-License-Identifier: Apache-2.0
"""A container is attached to by WebSocket, as RFC 6455 has it."""

import base64
import struct

import pytest

from nova_container.engine import ContainerSpec, ProcessSpec
from tests.unit.docker.raw import RawClient

_ASKED = ('Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n'
          'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n')
_MASK = b'\x01\x02\x03\x04'


@pytest.fixture
def raw(server, socket_path):
    with RawClient(socket_path) as client:
        yield client


@pytest.fixture
def run(fake):
    fake.add_image('busybox')

    def make(*command, **process):
        fake.create(ContainerSpec(name='c', image='busybox', process=ProcessSpec(command=command, **process)))
        fake.start('c')

    return make


def attach(raw, query='stream=1&stdin=1&stdout=1&stderr=1', version='', headers=_ASKED):
    raw.send(f'GET {version}/containers/c/attach/ws?{query} HTTP/1.1\r\nHost: x\r\n{headers}\r\n')
    return raw.head()


def frame(kind, payload=b'', *, first=0x80, mask=_MASK):
    size = len(payload)
    sizes = struct.pack('>B', 0x80 | size) if size < 126 else struct.pack('>BH', 0xfe, size)
    head = bytes((first | kind,)) + sizes
    return head + mask + bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))


def received(raw):
    first, size = raw.file.read(2)
    if size > 125:
        size = struct.unpack('>H' if size == 126 else '>Q', raw.file.read(2 if size == 126 else 8))[0]
    return first & 0x0f, raw.file.read(size)


def test_the_handshake_is_that_of_the_rfc(raw, run):
    run('sleep', '60')
    status, headers = attach(raw)
    assert (status, headers['upgrade'], headers['sec-websocket-accept']) == (
        101, 'websocket', 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=')


def test_input_and_output_go_in_frames(raw, run):
    run('cat', open_stdin=True)
    attach(raw)
    raw.send(frame(1, b'text\n'))
    assert received(raw) == (2, b'text\n')
    raw.send(frame(2, b'x' * 300 + b'\n'))
    assert received(raw) == (2, b'x' * 300 + b'\n')
    raw.send(frame(2, b'one', first=0) + frame(0, b'two\n'))
    assert received(raw) == (2, b'onetwo\n')


def test_a_ping_is_answered_and_a_goodbye_returned(raw, run, fake):
    run('cat', open_stdin=True)
    attach(raw)
    raw.send(frame(9, b'are you there'))
    assert received(raw) == (10, b'are you there')
    raw.send(frame(8, b'\x03\xe8'))
    assert received(raw) == (8, b'\x03\xe8')
    assert fake.inspect('c').status.alive


def test_the_end_of_the_container_is_a_goodbye(raw, run, fake):
    run('sleep', '60')
    attach(raw, 'stream=1&stdout=1')
    fake.kill('c')
    assert received(raw) == (8, b'\x03\xe8')


def test_who_only_listens_may_say_goodbye(raw, run, fake):
    run('cat', open_stdin=True)
    attach(raw, 'stream=1&stdout=1')
    raw.send(frame(2, b'not heard'))
    raw.send(frame(8))
    assert received(raw) == (8, b'')


def test_past_output_comes_without_streams(raw, run, fake):
    run('sh', '-c', 'echo out; echo err >&2')
    fake.wait('c', timeout_s=5)
    attach(raw, 'logs=1&stdout=1&stderr=1')
    assert {received(raw)[1], received(raw)[1]} == {b'out\n', b'err\n'}


def test_before_api_1_42_all_streams_are_sent(raw, run, fake):
    run('sh', '-c', 'echo out')
    fake.wait('c', timeout_s=5)
    attach(raw, 'logs=1', version='/v1.41')
    assert received(raw) == (2, b'out\n')


@pytest.mark.parametrize('broken', [
    frame(3), frame(1, b'x', first=0xc0), b'\x81\x01x', b'\x82\xff' + struct.pack('>Q', 1 << 30) + _MASK,
    frame(9, b'x' * 126), frame(9, first=0)], ids=['kind', 'reserved', 'unmasked', 'large', 'long-ping', 'split-ping'])
def test_what_breaks_the_protocol_ends_the_session(raw, run, fake, broken):
    run('cat', open_stdin=True)
    attach(raw)
    raw.send(broken)
    kind, payload = received(raw)
    assert (kind, struct.unpack('>H', payload)[0] in (1002, 1009)) == (8, True)
    assert fake.inspect('c').status.alive


@pytest.mark.parametrize('headers', [
    '', _ASKED.replace('websocket', 'tcp'), _ASKED.replace('13', '8'), _ASKED.replace('dGhl', '!'),
    _ASKED.replace('dGhlIHNhbXBsZSBub25jZQ==', base64.b64encode(b'short').decode())])
def test_a_request_for_something_else_is_refused(raw, run, headers):
    run('sleep', '60')
    assert attach(raw, headers=headers)[0] == 400


def test_nobody_is_not_found(raw, server):
    assert attach(raw)[0] == 404
