# SPDX-License-Identifier: Apache-2.0
"""Archives from web servers that a tenant names."""

import hashlib
import http.server
import threading
from collections.abc import Iterator

import pytest

from heat_container import fetch
from nova_container import errors

CONTENT = b'archive' * 1000


class Pages(http.server.BaseHTTPRequestHandler):
    """``/a.tar`` is there, ``/moved`` says it is elsewhere."""

    def do_GET(self) -> None:
        self.server.hosts.append(self.headers['Host'])  # type: ignore[attr-defined]
        if self.path == '/moved':
            self.send_response(302)
            self.send_header('Location', 'http://169.254.169.254/')
            self.end_headers()
            return
        found = self.path == '/a.tar?x=1'
        self.send_response(200 if found else 404)
        self.send_header('Content-Length', str(len(CONTENT) if found else 0))
        self.end_headers()
        if found:
            self.wfile.write(CONTENT)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def server() -> Iterator[http.server.HTTPServer]:
    with http.server.HTTPServer(('127.0.0.1', 0), Pages) as made:
        made.hosts = []  # type: ignore[attr-defined]
        thread = threading.Thread(target=made.serve_forever, args=(0.05,))
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def got(server: http.server.HTTPServer, path: str, **options: str) -> bytes:
    url = f'http://files.test:{server.server_port}{path}'
    return b''.join(fetch.pieces(url, lambda host, port: '127.0.0.1', **options))


def test_the_connection_goes_to_the_address_that_was_judged_and_names_the_host(server):
    assert got(server, '/a.tar?x=1') == CONTENT
    assert server.hosts == [f'files.test:{server.server_port}']


def test_the_address_is_judged_before_anything_is_sent(server):
    def refuse(host: str, port: int) -> str:
        assert (host, port) == ('files.test', server.server_port)
        raise errors.Denied('not there')

    with pytest.raises(errors.Denied):
        list(fetch.pieces(f'http://files.test:{server.server_port}/a.tar', refuse))
    assert server.hosts == []


@pytest.mark.parametrize(('path', 'said'), [('/none', '404'), ('/moved', '302')])
def test_what_is_not_there_or_elsewhere_is_refused(server, path, said):
    with pytest.raises(errors.InvalidRequest, match=said):
        got(server, path)


@pytest.mark.parametrize('url', [
    'file:///etc/passwd', 'unix:///run/docker.sock', 'ftp://files.test/a', 'gopher://files.test/a', '//files.test/a',
    '', 'http://', 'http://root@files.test/', 'http://files.test:99999/', 'http://files.test:port/', 'http://[::1/'])
def test_nothing_but_http_is_asked(url):
    with pytest.raises(errors.InvalidRequest):
        list(fetch.pieces(url, lambda host, port: pytest.fail('it was looked up')))


def test_bytes_are_verified(server):
    right = hashlib.sha256(CONTENT).hexdigest()
    assert got(server, '/a.tar?x=1', sha256=right.upper()) == CONTENT
    assert got(server, '/a.tar?x=1', sha256=f'sha256:{right}') == CONTENT
    with pytest.raises(errors.DigestMismatch):
        got(server, '/a.tar?x=1', sha256='0' * 64)


def test_a_server_that_does_not_answer_is_unavailable(server):
    port = server.server_port
    server.server_close()
    with pytest.raises(errors.Unavailable):
        list(fetch.pieces(f'http://files.test:{port}/a.tar', lambda host, at: '127.0.0.1'))
