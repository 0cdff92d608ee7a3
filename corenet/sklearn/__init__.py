"""Networks as scikit-learn's estimators: ``from corenet.sklearn import CorenetClassifier, CorenetRegressor``.

They need the extra ``sklearn``, and nothing else of corenet imports this package.
"""

from corenet.errors import MissingExtraError

try:
    import sklearn  # noqa: F401 - asked here, so that its absence is one line wherever it would first be noticed
except ImportError as error:
    raise MissingExtraError('corenet.sklearn needs scikit-learn; run: pip install "corenet[sklearn]"') from error

from corenet.sklearn.classifier import CorenetClassifier as CorenetClassifier
from corenet.sklearn.regressor import CorenetRegressor as CorenetRegressor

__all__ = ["CorenetClassifier", "CorenetRegressor"]
