"""The settings of ``mlflow.yml``."""

from __future__ import annotations

from fruits_kedro.validation import StrictModel


class MlflowSettings(StrictModel):
    """Where runs are noted in MLflow.

    Attributes:
        tracking_uri: of the server, or a folder or a database; None notes nothing.
        experiment: that the runs belong to; it is made where it is missing.
        model: whether a classification logs its model, some 20 MB.
    """

    tracking_uri: str | None = None
    experiment: str = "fruits-kedro"
    model: bool = True
