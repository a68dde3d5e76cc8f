import pytest

from tests.host.fakes import House


@pytest.fixture
def house() -> House:
    return House()
