# SPDX-License-Identifier: Apache-2.0
import errno
import io
import json
from pathlib import Path

import pytest

from nova_container import errors
from nova_container.image import child, unpack
from tests.fixtures import children


def every_error(root: type[errors.ContainerError] = errors.ContainerError) -> list[type[errors.ContainerError]]:
    below = [one for one in root.__subclasses__() if one.__module__ == errors.__name__]  # others stay in their process
    return [root] + [one for each in below for one in every_error(each)]


@pytest.mark.parametrize('kind', every_error())
def test_every_error_arrives_as_the_class_it_was_raised_as(kind: type[errors.ContainerError]) -> None:
    line = json.dumps({'error': kind.kind, 'message': 'A sentence.'})
    with pytest.raises(errors.ContainerError) as caught:
        child.result(line + '\n')
    assert type(caught.value) is kind
    assert str(caught.value) == 'A sentence.'


def test_an_unknown_kind_is_a_failure_of_the_host() -> None:
    with pytest.raises(errors.HostFailure, match='odd'):
        child.result('{"error": "new", "message": "odd"}')


@pytest.mark.parametrize('output', ['', 'Traceback', b'\n'])
def test_no_result_is_a_failure_of_the_host(output: str | bytes) -> None:
    with pytest.raises(errors.HostFailure, match='killed'):
        child.result(output)


def test_a_result_is_read_back() -> None:
    line = '{"diff_id": "sha256:x", "size_bytes": 5, "entries": 2, "hides_below": true}\n'
    assert unpack.parse_output(line) == unpack.UnpackResult('sha256:x', 5, 2, True)


@pytest.mark.parametrize(('error', 'kind'), [
    (OSError(errno.ENOSPC, ''), errors.Exhausted), (OSError(errno.EDQUOT, ''), errors.Exhausted),
    (OSError(errno.EIO, ''), errors.HostFailure), (OSError(errno.EPERM, ''), errors.HostFailure),
    (OSError(errno.ENAMETOOLONG, ''), errors.UnacceptableImage), (OSError(errno.EFBIG, ''), errors.UnacceptableImage),
    (MemoryError(), errors.UnacceptableImage), (ValueError('odd'), errors.HostFailure)])
def test_what_the_kernel_says_is_classed_by_whose_fault_it_is(error: Exception, kind: type[Exception]) -> None:
    found = child.as_ours(error, 'The entry x')
    assert type(found) is kind
    assert str(found).startswith('The entry x: ')


def test_an_error_goes_where_it_is_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> dict[str, object]:
        raise errors.Corrupt('bad')

    aside = io.StringIO()
    assert child.report(fail, aside) == 1
    assert json.loads(aside.getvalue()) == {'error': 'corrupt', 'message': 'bad'}
    assert capsys.readouterr().out == ''
    assert child.report(lambda: {'a': 1}) == 0
    assert capsys.readouterr().out == '{"a": 1}\n'


def test_the_command_is_isolated_python_of_absolute_paths(tmp_path: Path) -> None:
    words = unpack.words_for(tmp_path, unpack.UnpackLimits(1, 2, 3.5), expect_diff_id='sha256:' + 'a' * 64)
    argv = children.argv(words)
    assert argv[0].startswith('/') and '-I' in argv
    assert argv[argv.index('--root') + 1] == str(tmp_path)
    assert argv[argv.index('--max-bytes') + 1] == '1'
    assert argv[argv.index('--expect-diff-id') + 1] == 'sha256:' + 'a' * 64


def test_a_malformed_diff_id_reaches_no_command(tmp_path: Path) -> None:
    with pytest.raises(errors.InvalidReference):
        unpack.words_for(tmp_path, unpack.UnpackLimits(), expect_diff_id='--root=/')


def test_a_path_that_looks_like_an_option_stays_a_path(tmp_path: Path) -> None:
    assert '--into=--plain-tree' in unpack.words_for_tree(tmp_path, '--plain-tree', unpack.UnpackLimits())
