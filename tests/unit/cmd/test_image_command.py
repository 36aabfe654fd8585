# SPDX-License-Identifier: Apache-2.0
"""What ``nova-container-image`` refuses before it asks anybody, how it tells of progress, whose password it takes."""

import base64
import io
import json

import pytest

from nova_container import errors
from nova_container.cmd.image import command
from nova_container.cmd.image import remote
from nova_container.cmd.image.progress import Display, shown_size


@pytest.mark.parametrize(('argv', 'says'), [
    (['pull', 'Web:1'], 'lower case'),
    (['pull', 'localhost:1/web', '--property', 'colour'], '--property colour: give NAME=VALUE'),
    (['pull', 'localhost:1/web', '--username', 'alice'], 'NOVA_CONTAINER_REGISTRY_PASSWORD'),
    (['build', '/nowhere'], 'There is no /nowhere/Dockerfile: name the Dockerfile by --file'),
    (['--os-cloud', 'nobody-has-this', 'layers', 'web'], 'OpenStack cannot be used'),
])
def test_what_cannot_be_done_is_one_sentence(capsys, monkeypatch, tmp_path, argv, says):
    monkeypatch.setenv('HOME', str(tmp_path))
    monkeypatch.delenv('NOVA_CONTAINER_REGISTRY_PASSWORD', raising=False)
    assert command.main(argv) == 1
    out, err = capsys.readouterr()
    assert says in err and 'Traceback' not in err and out == ''


def test_credentials_are_those_of_docker_login(tmp_path):
    file = tmp_path / 'config.json'
    assert remote.credentials(file, 'localhost:1') is None
    secret = base64.b64encode(b'alice:wonder:land').decode()
    file.write_text(json.dumps({'auths': {'localhost:1': {'auth': secret},
                                          'https://index.docker.io/v1/': {'auth': secret}}}))
    found = remote.credentials(file, 'localhost:1')
    assert found is not None and (found.username, found.password) == ('alice', 'wonder:land')
    assert remote.credentials(file, 'docker.io') is not None
    assert remote.credentials(file, 'localhost:2') is None


@pytest.mark.parametrize('text', ['no JSON', '[]', '{"auths": {"localhost:1": {"auth": "?"}}}'])
def test_a_file_of_credentials_that_is_none_is_told(tmp_path, text):
    (tmp_path / 'config.json').write_text(text)
    with pytest.raises(errors.InvalidRequest, match='cannot be read as a file of `docker login`'):
        remote.credentials(tmp_path / 'config.json', 'localhost:1')


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_sees_a_bar_that_goes_away():
    terminal = Terminal()
    with Display(terminal).counted('pull web', 400) as count:
        count.reach(100, 'a')
        count.reach(100, 'b')
    text = terminal.getvalue()
    assert '25 %' in text and text.count('\r\x1b[K') == 1 and 'pull web: 200 B in' in text


def test_a_file_gets_a_line_at_the_end():
    stream = io.StringIO()
    with Display(stream).counted('pull web', None) as count:
        count.reach(5 << 20)
    assert stream.getvalue().startswith('pull web: 5.0 MiB in ') and stream.getvalue().count('\n') == 1


@pytest.mark.parametrize(('count', 'text'), [(0, '0 B'), (1023, '1023 B'), (1536, '1.5 KiB'), (3 << 50, '3072.0 TiB')])
def test_sizes_are_for_people(count, text):
    assert shown_size(count) == text
