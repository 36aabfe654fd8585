# SPDX-License-Identifier: Apache-2.0
"""What a runner needs of its machine: a developer without it skips, CI fails."""

import importlib
import os
import shutil
import types
from typing import NoReturn

import pytest


def absent(reason: str) -> NoReturn:
    """Skip here; fail where CI says that everything must run."""
    if os.environ.get('CI'):
        pytest.fail(f'{reason}, and in CI nothing is skipped', pytrace=False)
    pytest.skip(reason)


def require_root() -> None:
    if os.geteuid() != 0:
        absent('needs root')


def require_program(name: str) -> str:
    """The path of a program."""
    path = shutil.which(name, path=f'{os.environ["PATH"]}:/usr/sbin:/sbin')
    return path or absent(f'{name} is not installed')


def require_module(name: str) -> types.ModuleType:
    """A module that may not be there; one that is there and broken is an error."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not name.startswith(error.name):
            raise
        absent(f'{name} does not exist')
