# SPDX-License-Identifier: Apache-2.0
"""The engine in memory behaves as the real ones do."""

import pytest

from nova_container.engine.fake import FakeEngine
from tests.conformance.engine_suite import EngineSuite


@pytest.fixture
def engine():
    made = FakeEngine()
    yield made
    made.close()


@pytest.fixture
def engine_is_real():
    return False


class TestFakeEngine(EngineSuite):
    pass
