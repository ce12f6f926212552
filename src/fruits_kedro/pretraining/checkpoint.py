"""The checkpoint of a training, from which an interrupted one resumes."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fruits_kedro.errors import FruitsError

if TYPE_CHECKING:
    import keras

_MODEL = "checkpoint.keras"
_NOTES = "training.json"  # in the model's file: one atomic replacement for both


class Checkpoint:
    """The last finished epoch, in a file that is replaced atomically."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def path(self) -> Path:
        """The file: model and optimizer in Keras' format, with settings and history."""
        return self.folder / _MODEL

    def load(self, settings: dict[str, Any]) -> tuple[keras.Model, list[dict[str, float]]] | None:
        """The compiled model and the history (one entry per epoch); None if there is no checkpoint.

        Raises:
            FruitsError: the checkpoint is of other settings, or cannot be read.
        """
        if not self.path.is_file():
            return None
        from fruits_kedro.backbones.keras_models import load_keras

        remedy = f"Move {self.folder} away (or delete it) to train from the start."
        try:
            with zipfile.ZipFile(self.path) as file:
                notes = json.loads(file.read(_NOTES))
            if notes["settings"] == settings:
                return load_keras().saving.load_model(self.path), notes["history"]
        except Exception as error:
            raise FruitsError(
                f"The checkpoint {self.path} cannot be read: {error}.\n{remedy}"
            ) from error
        other = [
            f"{name} was {notes['settings'].get(name)!r}, is {settings.get(name)!r}"
            for name in sorted({*settings, *notes["settings"]})
            if notes["settings"].get(name) != settings.get(name)
        ]
        raise FruitsError(
            f"The checkpoint {self.path} is of another training: {'; '.join(other)}.\n"
            f"Give the same settings and photos to go on. {remedy}"
        )

    def save(
        self, model: keras.Model, settings: dict[str, Any], history: list[dict[str, float]]
    ) -> None:
        """Replace the checkpoint.

        Raises:
            FruitsError: it cannot be written; the previous one is intact.
        """
        new = self.folder / f"new-{_MODEL}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            model.save(new)
            with zipfile.ZipFile(new, "a") as file:
                file.writestr(_NOTES, json.dumps({"settings": settings, "history": history}))
            os.replace(new, self.path)
        except Exception as error:  # h5py raises OSError, RuntimeError … when a disk is full
            new.unlink(missing_ok=True)
            raise FruitsError(
                f"The checkpoint cannot be written to {self.folder}: {error}.\n"
                "Make room and run again: training goes on after the last finished epoch."
            ) from error
