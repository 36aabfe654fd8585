# SPDX-License-Identifier: Apache-2.0
"""What may run side by side (``pytest -n 2``): the cloud, the engines, and each file of unit tests."""

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

_ALONE = {'tests/cloud': 'cloud', 'tests/conformance': 'engines', 'tests/functional': 'engines'}


class _Groups(LoadScopeScheduling):
    """Tests of a group run one after the other: they share a minicloud, or look at the machine as a whole.

    (xdist's own groups, by marks, have no effect under pytest 9.2: it changes a field of tests that is gone.)
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition('::')[0]
        return _ALONE.get('/'.join(file.split('/')[:2]), file)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """What shares tests out. Long groups are first, as collected."""
    config.option.loadscopereorder = False
    return _Groups(config, log)
