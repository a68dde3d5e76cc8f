import pytest

from tests.history.house import House


@pytest.fixture
def house(tmp_path):
    made = House(tmp_path / "state")
    yield made
    made.stop()
