"""The Kedro datasets that kedro-datasets lacks."""

from fruits_kedro.datasets.arrow_parquet import ArrowParquetDataset
from fruits_kedro.datasets.backbone import BackboneDataset
from fruits_kedro.datasets.csv_file import CsvFileDataset
from fruits_kedro.datasets.extraction_checkpoint import ExtractionCheckpointDataset
from fruits_kedro.datasets.images import ImageFolderDataset
from fruits_kedro.datasets.parquet import ParquetDataset
from fruits_kedro.datasets.spark_model import SparkModelDataset, SparkModelsDataset
from fruits_kedro.datasets.training_checkpoint import CheckpointDataset
from fruits_kedro.datasets.weights_file import WeightsFileDataset
from fruits_kedro.datasets.whole_file import CsvDataset, JsonDataset, TextDataset

__all__ = [
    "ArrowParquetDataset",
    "BackboneDataset",
    "CheckpointDataset",
    "CsvDataset",
    "CsvFileDataset",
    "ExtractionCheckpointDataset",
    "ImageFolderDataset",
    "JsonDataset",
    "ParquetDataset",
    "SparkModelDataset",
    "SparkModelsDataset",
    "TextDataset",
    "WeightsFileDataset",
]
