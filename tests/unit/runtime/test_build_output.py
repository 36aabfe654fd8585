# SPDX-License-Identifier: Apache-2.0
"""buildah's lines in Docker's words."""

import io
import types

import pytest

from nova_container import errors
from nova_container.runtime import build_output
from nova_container.runtime.telling import Board

ID = 'ab' * 32


def relayed(text, board, made=lambda image_id: None):
    child = types.SimpleNamespace(stdout=io.BytesIO(text.encode()), wait=lambda: 0)
    return build_output.relay(child, board, {f'sha256:{ID}': 'box:1'}, made)


def shown(text):
    board = Board()
    relayed(text, board)
    lines = []
    while not board.lines.empty():
        lines.append(board.lines.get().stream)
    return ''.join(lines)


@pytest.mark.parametrize(('said', 'expected'), [
    (f'STEP 1/3: FROM {ID}\n', 'Step 1/3 : FROM box:1\n'), (f'--> Using cache {ID}\n', ' ---> Using cache\n'),
    ('--> ee035d9f159\n', ' ---> ee035d9f159\n'), ('[2/2] STEP 1/1: RUN x\n', '[2/2] Step 1/1 : RUN x\n'),
    ('COMMIT\n', ''), ('[2/2] COMMIT x\n', ''), (f'{ID}\n', ''), ('output\n', 'output\n'),
    ('no endSTEP 9/11: WORKDIR /d\n', 'no end\nStep 9/11 : WORKDIR /d\n'),
    ('time="2026" level=error msg="x"\n', ''), ('Getting image source signatures\n', ''),
])
def test_lines_are_told_in_docker_s_words(said, expected):
    assert shown(said) == expected


@pytest.mark.parametrize(('said', 'expected'), [
    ('STEP 1/2: FROM x\n--> aaaaaaaaaaa\nSTEP 2/2: RUN x\n--> bbbbbbbbbbb\n', ['a' * 11, 'b' * 11]),
    ('[1/2] STEP 1/1: FROM x\n--> aaaaaaaaaaa\n[2/2] STEP 1/1: FROM y\n--> bbbbbbbbbbb\n', ['b' * 11]),
    (f'STEP 1/1: FROM x\n--> Using cache {ID}\n', []),
])
def test_images_of_the_last_stage_are_told(said, expected):
    found = []
    relayed(said, Board(), found.append)
    assert found == expected


def test_the_image_is_the_one_said_last():
    other = 'cd' * 32
    said = relayed(f'STEP 1/1: RUN x\n{other}\n--> {ID[:11]}\n{ID}\ntime="2026" level=warning msg="x"\n', Board())
    assert build_output.made_last(said) == ID
    with pytest.raises(errors.HostFailure, match='did not say what it built'):
        build_output.made_last(relayed('STEP 1/1: RUN x\n', Board()))


@pytest.mark.parametrize(('said', 'code', 'sentence'), [
    ('Error: building at STEP "RUN exit 7": while running runtime: exit status 7', 7,
     "The command '/bin/sh -c exit 7' returned a non-zero code: 7"),
    ('Error: building at STEP "RUX ": Build error: Unknown instruction: "RUX" &x{}', 1,
     'Dockerfile parse error: unknown instruction: RUX'),
    ('Error: building at STEP "COPY a b* /m/": checking on sources under "/state/build-1/context": copier: stat: "/a": '
     'no such file or directory', 1,
     'COPY failed: file not found in build context or excluded by .dockerignore: stat a: file does not exist'),
    ('Error: something else', 1, 'something else'), ('', 1, 'buildah ended with 125'),
])
def test_failures_say_what_failed(said, code, sentence):
    error = build_output.failure([said] if said else [], 125)
    assert (str(error), error.code) == (sentence, code)
