"""Checks of data where it enters and leaves; errors name the rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from fruits_kedro.config.parameters import Split
from fruits_kedro.errors import FruitsError

SPLITS = get_args(Split)
_NAMED = 5


def check_index(index: pd.DataFrame) -> None:
    """Raise FruitsError unless each path occurs once and each split is known."""
    doubled = index.loc[index["path"].duplicated(), "path"]
    if not doubled.empty:
        raise FruitsError(f"These photos have several rows in the index: {_named(doubled)}.")
    unknown = index.loc[~index["split"].isin(SPLITS), "path"]
    if not unknown.empty:
        raise FruitsError(f"These photos are in none of the splits {SPLITS}: {_named(unknown)}.")


def usable(extracted_features: DataFrame) -> DataFrame:
    """The run's rows that have features: ``path, split, label, features, fingerprint``."""
    columns = ("path", "split", "label", "features", "fingerprint")
    return in_subset(extracted_features).where("error is null").select(*columns)


def in_subset(rows: DataFrame) -> DataFrame:
    """The rows of the photos that take part in the run; all rows of a store of before."""
    return rows.where("in_subset") if "in_subset" in rows.columns else rows


def check_vectors(rows: DataFrame, column: str, length: int) -> None:
    """Raise FruitsError unless an array column holds ``length`` finite numbers in every row."""
    is_wrong = F.exists(column, _not_finite) | (F.size(column) != length)
    wrong = rows.where(is_wrong | F.col(column).isNull())
    paths = [row.path for row in wrong.select("path").orderBy("path").limit(_NAMED + 1).collect()]
    if paths:
        again = "--params extraction.incremental=false"
        command = (
            f"kedro run {again}" if column == "features" else "kedro run --pipelines reduction"
        )
        raise FruitsError(
            f"{column} of these rows are not {length} finite numbers: {_named(paths)}.\n"
            f"Make them anew: {command}"
        )


def _not_finite(value: Column) -> Column:
    return value.isNull() | F.isnan(value) | (F.abs(value) == float("inf"))


def _named(paths: Iterable[str]) -> str:
    paths = [repr(path) for path in paths]
    more = ["…"] if len(paths) > _NAMED else []
    return ", ".join(paths[:_NAMED] + more)
