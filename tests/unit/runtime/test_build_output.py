# SPDX-License-Identifier: Apache-2.0
"""buildah's lines in Docker's words."""

import io
import types

import pytest

from nova_container.runtime import build_output
from nova_container.runtime.telling import Board

ID = 'ab' * 32


def shown(text):
    board = Board()
    child = types.SimpleNamespace(stdout=io.BytesIO(text.encode()), wait=lambda: 0)
    build_output.relay(child, board, {f'sha256:{ID}': 'box:1'})
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
