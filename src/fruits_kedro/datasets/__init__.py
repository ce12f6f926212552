"""The Kedro datasets that kedro-datasets lacks."""

from fruits_kedro.datasets.csv_file import CsvFileDataset
from fruits_kedro.datasets.image_folder import ImageFolderDataset
from fruits_kedro.datasets.spark_model import SparkModelDataset
from fruits_kedro.datasets.spark_view import SparkViewDataset

__all__ = ["CsvFileDataset", "ImageFolderDataset", "SparkModelDataset", "SparkViewDataset"]
