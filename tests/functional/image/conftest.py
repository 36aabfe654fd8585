# SPDX-License-Identifier: Apache-2.0
"""These tests make devices, owners and trusted attributes: they need root."""

import os
from pathlib import Path

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.root)
            item.add_marker(pytest.mark.skipif(os.geteuid() != 0, reason='needs root: makes device nodes and owners'))
