# SPDX-License-Identifier: Apache-2.0
"""The built-in engine, in this process."""

import pytest

from tests.conformance.builtin import opened_engine
from tests.conformance.engine_suite import EngineSuite


@pytest.fixture(scope='module')
def engine():
    with opened_engine() as (made, _):
        yield made


@pytest.fixture
def engine_is_real():
    return True


@pytest.mark.root
class TestRuntimeEngine(EngineSuite):
    pass
