"""scikit-learn's own checks of an estimator, all of them, of the two as they come and of one with other arguments."""

from functools import partial

from sklearn.utils.estimator_checks import parametrize_with_checks

import corenet as cn
from corenet.sklearn import CorenetClassifier, CorenetRegressor

OTHER = CorenetClassifier(20, "tanh", optimizer=partial(cn.SGD, momentum=0.9), lr=0.1, epochs=50)


@parametrize_with_checks([CorenetClassifier(epochs=100), CorenetRegressor(epochs=100), OTHER])
def test_scikit_learns_checks(estimator, check):
    check(estimator)
