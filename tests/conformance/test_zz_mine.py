import pytest
from nova_container.runtime.engine import RuntimeEngine
from nova_container.runtime.settings import Settings
from tests.conformance.engine_suite import EngineSuite

@pytest.fixture(scope='module')
def engine(tmp_path_factory):
    top = tmp_path_factory.mktemp('e')
    e = RuntimeEngine(Settings(state_dir=top/'s', run_dir=top/'r'))
    e.open()
    yield e
    e.close()

class TestRt(EngineSuite):
    engine_is_real = True

@pytest.fixture
def engine_is_real():
    return True
