"""The project's own Kedro datasets."""

from fruits_kedro.datasets.arrow_table import ArrowTableDataset
from fruits_kedro.datasets.atomic_file import CsvDataset, JsonDataset, TextDataset
from fruits_kedro.datasets.backbone import BackboneDataset
from fruits_kedro.datasets.cached import CachedDataset
from fruits_kedro.datasets.csv_file import CsvFileDataset
from fruits_kedro.datasets.extraction_checkpoint import ExtractionCheckpointDataset
from fruits_kedro.datasets.images import ImagesDataset
from fruits_kedro.datasets.parquet import ArrowParquetDataset, ParquetDataset
from fruits_kedro.datasets.parquet_files import ParquetFiles, ParquetFilesDataset
from fruits_kedro.datasets.similarity_index import SimilarityIndexDataset
from fruits_kedro.datasets.spark_model import SparkModelDataset, SparkModelsDataset
from fruits_kedro.datasets.training_checkpoint import TrainingCheckpointDataset
from fruits_kedro.datasets.weights_file import WeightsFileDataset

__all__ = [
    "ArrowParquetDataset",
    "ArrowTableDataset",
    "BackboneDataset",
    "CachedDataset",
    "CsvDataset",
    "CsvFileDataset",
    "ExtractionCheckpointDataset",
    "ImagesDataset",
    "JsonDataset",
    "ParquetDataset",
    "ParquetFiles",
    "ParquetFilesDataset",
    "SimilarityIndexDataset",
    "SparkModelDataset",
    "SparkModelsDataset",
    "TextDataset",
    "TrainingCheckpointDataset",
    "WeightsFileDataset",
]
