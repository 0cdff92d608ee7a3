"""The gradient check on the first case of a component."""

import pytest

import corenet as cn
from corenet.testing.support.trial import Trial


@pytest.fixture
def examined():
    """Return the gradient report of a class on its ``case``, or the error that the check raised."""

    def report_of(cls):
        try:
            return Trial(cls, cls.case).gradients
        except (cn.CorenetError, RuntimeError) as error:
            return error

    return report_of
