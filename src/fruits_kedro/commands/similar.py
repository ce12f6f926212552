"""The photos of a store that look like a given one, without Spark."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
import numpy as np
import pyarrow as pa
from kedro.io import DataCatalog
from numpy.typing import NDArray

from fruits_kedro.curation.similarity_index import SimilarityIndex
from fruits_kedro.errors import FruitsError, ImageError
from fruits_kedro.features.extract import extract, get_model
from fruits_kedro.features.rows import feature_rows, normalised, usable_rows

_COLUMNS = ["path", "label", "features", "fingerprint"]


@dataclass(frozen=True)
class Match:
    """A photo of the store, and the cosine of its features and the asked ones."""

    path: str
    label: str | None
    cosine: float


def find_similar(
    catalog: DataCatalog, photos: Sequence[str], k: int
) -> dict[str, list[Match] | ImageError]:
    """The most similar photos of a store to each of some photos, the most similar first.

    Args:
        catalog: of a store in which ``kedro run`` has ended.
        photos: files, or paths of photos of the store, which are not among their own matches.
        k: how many.

    Returns:
        By photo: fewer matches where the store has fewer photos; or why it cannot be used.

    Raises:
        FruitsError: the store lacks what is needed, or there is no such photo.
    """
    if not catalog.exists("feature_files") or (backbone := catalog.load("backbone")) is None:
        raise FruitsError(
            "The store has no features or no compiled backbone.\nRun 'kedro run' with the same "
            "--params first, or give --store <results>."
        )
    files = [photo for photo in photos if Path(photo).is_file()]
    contents = (Path(photo).read_bytes() for photo in files)
    limits = catalog.load("params:extraction").limits
    found = dict(zip(files, extract(contents, get_model(backbone), backbone, limits)))
    of_store = set(photos) - set(files)
    asked: dict[str, NDArray[np.float32]] = {
        photo: one for photo, one in found.items() if not isinstance(one, ImageError)
    }
    if (index := _index(catalog, backbone.fingerprint)) is not None:
        matches = _matches_of_index(index, asked, k, of_store)
    else:
        if of_store:
            asked |= _stored(catalog, of_store, backbone.fingerprint)
        matches = _matches(catalog, asked, k, of_store, backbone.fingerprint)
    return {
        photo: one if isinstance(one := found.get(photo), ImageError) else matches[photo]
        for photo in photos
    }


def _index(catalog: DataCatalog, fingerprint: str) -> SimilarityIndex | None:
    """The store's index; None if it has none, or one that is of no use, which is said."""
    if "similarity_index" not in catalog or not catalog.exists("similarity_index"):
        return None
    if find_spec("faiss") is None:
        note = "pip install 'fruits-kedro[curation]' lets it be used."
        click.echo(f"All features are read instead of the store's index: {note}", err=True)
        return None
    index: SimilarityIndex = catalog.load("similarity_index")
    if (index.fingerprint, index.source) == (fingerprint, catalog.load("feature_files").version):
        return index
    note = "'kedro run --pipelines curation' updates it."
    click.echo(f"All features are read, since the store's index is older: {note}", err=True)
    return None


def _matches_of_index(
    index: SimilarityIndex, asked: dict[str, NDArray[np.float32]], k: int, of_store: set[str]
) -> dict[str, list[Match]]:
    """Asks the index for each photo."""
    stored = index.vectors(sorted(of_store))
    if missing := sorted(of_store - set(stored)):
        raise _no_such_photo(missing[0])
    matches = {}
    for photo, vector in (asked | stored).items():
        hits = index.search(vector=vector.tolist(), top_k=k + 1)
        others = [hit for hit in hits if hit["id"] != photo or photo not in of_store]
        matches[photo] = [
            Match(hit["id"], hit["properties"]["label"], 1 - hit["distance"]) for hit in others[:k]
        ]
    return matches


def _no_such_photo(photo: str) -> FruitsError:
    return FruitsError(
        f"There is no file {photo}, and the store has no usable photo of that path.\n"
        "Give a file, or a path as in the column 'path' of the store's tables."
    )


def _batches(catalog: DataCatalog, fingerprint: str) -> Iterator[pa.RecordBatch]:
    """The usable rows of the store.

    Raises:
        FruitsError: they are of another backbone.
    """
    for batch in usable_rows(catalog.load("feature_files").batches, _COLUMNS):
        others = set(batch.column("fingerprint").to_pylist()) - {fingerprint}
        if others:
            raise FruitsError(
                f"The store's features are of {sorted(others)[0]}, and its compiled backbone is "
                f"{fingerprint}.\nRun 'kedro run' with the same --params again."
            )
        yield batch


def _stored(
    catalog: DataCatalog, paths: set[str], fingerprint: str
) -> dict[str, NDArray[np.float32]]:
    """The features of photos of the store."""
    wanted, found = pa.array(sorted(paths)), dict[str, NDArray[np.float32]]()
    for batch in _batches(catalog, fingerprint):
        rows = batch.filter(pa.compute.is_in(batch.column("path"), wanted))
        features = map(np.float32, rows.column("features").to_pylist())
        found |= dict(zip(rows.column("path").to_pylist(), features))
        if len(found) == len(paths):
            break
    if missing := sorted(paths - set(found)):
        raise _no_such_photo(missing[0])
    return found


def _matches(
    catalog: DataCatalog,
    asked: dict[str, NDArray[np.float32]],
    k: int,
    of_store: set[str],
    fingerprint: str,
) -> dict[str, list[Match]]:
    """Compares each photo with all of the store, a batch at a time."""
    best: dict[str, list[Match]] = {photo: [] for photo in asked}
    if not asked:
        return best
    queries = normalised(np.stack(list(asked.values())))
    for batch in _batches(catalog, fingerprint):
        cosines = queries @ normalised(feature_rows(batch)).T
        for (photo, known), of_photo in zip(best.items(), cosines, strict=True):
            # One more than wanted: the photo itself may be among them.
            for i in np.argsort(-of_photo, kind="stable")[: k + 1].tolist():
                path = batch.column("path")[i].as_py()
                if path != photo or photo not in of_store:
                    label = batch.column("label")[i].as_py()
                    known.append(Match(path, label, float(of_photo[i])))
            known.sort(key=lambda match: (-match.cosine, match.path))
            del known[k:]
    return best


def similar_page(
    catalog: DataCatalog, found: dict[str, list[Match] | ImageError], side: int = 128
) -> str:
    """An HTML page with the pictures; it needs no network."""
    from fruits_kedro.reports.html.galleries import Photo
    from fruits_kedro.reports.html.render import render
    from fruits_kedro.reports.html.texts import Texts
    from fruits_kedro.reports.thumbnails import thumbnail, thumbnails

    files = [photo for photo in found if Path(photo).is_file()]
    lists = [matches for matches in found.values() if not isinstance(matches, ImageError)]
    of_store = [*(set(found) - set(files)), *(match.path for one in lists for match in one)]
    pictures = thumbnails(catalog.load("raw_images"), of_store, side)
    for file in files:
        if url := thumbnail(Path(file).read_bytes(), side):
            pictures[file] = url
    shown = {
        photo: str(matches)
        if isinstance(matches, ImageError)
        else [
            Photo(photo, ""),
            *(Photo(m.path, f"{m.label or ''} {m.cosine:.3f}") for m in matches),
        ]
        for photo, matches in found.items()
    }
    return render(
        "similar.html", Texts("en"), title="Similar photos", photos=shown, pictures=pictures
    )


def describe_similar(found: dict[str, list[Match] | ImageError]) -> dict[str, Any]:
    """What the command shows: of each photo its matches, or why it cannot be used."""
    return {
        photo: str(matches)
        if isinstance(matches, ImageError)
        else [{"cosine": round(m.cosine, 4), "label": m.label, "path": m.path} for m in matches]
        for photo, matches in found.items()
    } | {"failed": any(isinstance(matches, ImageError) for matches in found.values())}
