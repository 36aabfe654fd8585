# SPDX-License-Identifier: Apache-2.0
"""``python -m tools.fuzz.api``: odd requests to every endpoint of the API, and bytes that are no requests at all."""

import re
import sys
from collections.abc import Sequence
from random import Random
from urllib.parse import quote

from nova_container.docker.server.routes import ROUTES
from tools.fuzz import bodies, mutation
from tools.fuzz.runs import main_of
from tools.fuzz.target import Request, Target

_NAMES = {
    'containers': ('runs', 'runs', 'fuzz-1', 'fuzz-2', 'fuzz-3'), 'images': (bodies.IMAGE, 'fuzz:1', 'none:1'),
    'networks': ('bridge', 'host', 'fuzz-net'), 'volumes': ('fuzz-vol', 'v'), 'exec': ('0' * 64,),
    'distribution': ('127.0.0.1:1/x',)}
_ODD_NAMES = ('', '.', '..', '../runs', 'a' * 3000, '\0', 'é', 'a/b/c', '*', 'sha256:' + 'a' * 64, 'a' * 12, '%2e%2e',
              '-1', ' ', 'runs\n', 'RUNS', '{id}')
_QUERY = (
    'all', 'size', 'limit', 'filters', 'force', 'v', 'link', 'name', 'platform', 'signal', 't', 'condition', 'stdout',
    'stderr', 'stdin', 'stream', 'logs', 'follow', 'tail', 'since', 'until', 'timestamps', 'details', 'h', 'w', 'path',
    'noOverwriteDirNonDir', 'copyUIDGID', 'detachKeys', 'ps_args', 'one-shot', 'fromImage', 'fromSrc', 'repo', 'tag',
    'message', 'changes', 'term', 'names', 'digests', 'noprune', 'quiet', 'container', 'comment', 'author', 'pause',
    'dockerfile', 'q', 'nocache', 'remote', 'rm', 'pull', 'memory', 'buildargs', 'labels', 'networkmode', 'type',
    'verbose', 'scope', 'version', 'target', 'outputs', 'extrahosts', 'cpusetcpus', 'id', 'keep-storage',
    'shared-size')
_VALUES = ('1', '0', 'true', 'false', 'runs', 'SIGTERM', '9', 'next-exit', 'removed', '/tmp', '/', bodies.IMAGE, 'x',
           '127.0.0.1:1/x', '1700000000', '2026-01-01', '10m', '{"label":["a=b"]}', '{"status":{"running":true}}',
           '{"until":["1h"]}', '{"dangling":["true"]}', '{"name":["("]}', '["a"]', 'none', '3', 'ctrl-p,ctrl-q')
_NEEDED = {
    '/containers/create': ('name=fuzz-1', 'name=fuzz-2', 'name=fuzz-3'), '/archive': ('path=/tmp', 'path=/etc/passwd'),
    '/tag': ('repo=fuzz&tag=1', 'repo=x/y'), '/images/create': ('fromImage=127.0.0.1:1/x&tag=1', 'fromSrc=-&repo=i'),
    '/commit': ('container=runs&repo=fuzz&tag=1',), '/rename': ('name=fuzz-2', 'name=fuzz-3'),
    '/logs': ('stdout=1', 'stdout=1&follow=1'), '/resize': ('h=10&w=10',), '/images/search': ('term=127.0.0.1:1/x',),
    '/attach': ('stream=1&stdout=1', 'stream=1&stdin=1&logs=1'), '/stop': ('t=0',), '/restart': ('t=0',),
    '/images/get': (f'names={bodies.IMAGE}',)}
_STREAMS = re.compile(r'/(events|logs|attach|stats|wait|start|ws|export|get|build|create|push|archive)')
_BYTES = (
    b'', b'\r\n\r\n', b'GET / HTTP/1.1\r\n\r\n', b'GET /info HTTP/9.9\r\nHost: x\r\n\r\n', b'\x16\x03\x01\x02\x00',
    b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', b'GET /info HTTP/1.1\r\nHost: x\r\nA: ' + b'b' * 70_000 + b'\r\n\r\n',
    b'POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n',
    b'POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{}',
    b'POST /containers/create HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n',
    b'POST /images/load HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n',
    b'POST /containers/create HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 99\r\n\r\n{')


def one(random: Random, target: Target) -> None:
    """Send one request, or something like it."""
    if random.random() < 0.05:
        target.send_bytes(mutation.mutated(random, random.choice(_BYTES)))
        return
    target.send(request(random))


def request(random: Random) -> Request:
    """One request to one endpoint, right in most of what it says."""
    methods, pattern, _ = random.choice(ROUTES)
    method = random.choice(methods.split()) if random.random() < 0.97 else random.choice(('PATCH', 'PUT', 'TRACE'))
    path = re.sub(r'\{(id|name)\}', lambda match: _name(random, pattern, match[1]), pattern)
    prefix = '' if random.random() < 0.5 else random.choice(('/v1.24', '/v1.40', '/v1.41', '/v1.47', '/v1.51', '/v9.9'))
    body = b''
    headers = [('Content-Type', 'application/json')]
    if method in ('POST', 'PUT'):
        body = mutation.as_body(random, mutation.mutated_json(random, bodies.of(random, pattern)))
    if random.random() < 0.1:
        headers.append(random.choice((
            ('X-Registry-Auth', 'e30='), ('X-Registry-Auth', '!!'), ('X-Registry-Config', 'bnVsbA=='),
            ('Upgrade', 'tcp'), ('Connection', 'close'), ('Range', 'bytes=0-'), ('Accept-Encoding', 'gzip'))))
    return Request(method, prefix + path + _query(random, pattern), body, tuple(headers),
                   bool(_STREAMS.search(pattern)))


def _name(random: Random, pattern: str, kind: str) -> str:
    names = _NAMES.get(pattern.split('/')[1].partition('{')[0], ('x',))
    name = random.choice(names) if random.random() < 0.8 else random.choice(_ODD_NAMES)
    name = f'/{name}' if kind == 'name' and not pattern.endswith('/{name}') and pattern.endswith('{name}') else name
    return quote(name, safe='/:@')


def _query(random: Random, pattern: str) -> str:
    count = random.choice((0, 0, 1, 2, 4))
    pairs = [random.choice(choices) for end, choices in _NEEDED.items() if pattern.endswith(end)
             and random.random() < 0.9]
    for name in random.sample(_QUERY, count):
        value = random.choice(_VALUES) if random.random() < 0.8 else str(mutation.odd(random))
        pairs.append(f'{name}={quote(value.encode("utf-8", "replace")[:4000])}')
    return f'?{"&".join(pairs)}' if pairs else ''


def main(argv: Sequence[str] | None = None) -> int:
    """0 if nothing was found."""
    return main_of('tools.fuzz.api', __doc__, one, argv)


if __name__ == '__main__':
    sys.exit(main())
