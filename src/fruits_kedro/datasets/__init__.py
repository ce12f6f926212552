"""The Kedro datasets that kedro-datasets lacks."""

from fruits_kedro.datasets.checkpoint import CheckpointDataset
from fruits_kedro.datasets.csv_file import CsvFileDataset
from fruits_kedro.datasets.image_folder import ImageFolderDataset
from fruits_kedro.datasets.parquet import ParquetDataset
from fruits_kedro.datasets.spark_model import SparkModelDataset
from fruits_kedro.datasets.spark_view import SparkViewDataset
from fruits_kedro.datasets.weights_file import WeightsFileDataset

__all__ = [
    "CheckpointDataset",
    "CsvFileDataset",
    "ImageFolderDataset",
    "ParquetDataset",
    "SparkModelDataset",
    "SparkViewDataset",
    "WeightsFileDataset",
]
