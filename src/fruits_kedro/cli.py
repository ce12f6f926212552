"""The project's commands beside Kedro's own."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from kedro.framework.cli.utils import env_option

from fruits_kedro.commands.console import finish
from fruits_kedro.commands.params import read_params
from fruits_kedro.commands.run import check_environment, run
from fruits_kedro.emr.cli import emr
from fruits_kedro.errors import FruitsError, summarize
from fruits_kedro.storage.s3 import is_s3


@click.group(name="fruits-kedro")
def cli() -> None:
    """The project's commands."""


@cli.command()
@env_option
@click.option("--params", default="", callback=read_params, help="As for kedro run.")
@click.option(
    "--images",
    default=20,
    show_default=True,
    type=click.IntRange(1),
    help="Photos to extract again and compare.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
def verify(env: str | None, params: dict[str, Any], images: int, as_json: bool) -> None:
    """Check a finished store again: rows, counts, backbone, components, and a few photos.

    Exit 1 if anything is off. Give the --env and --params of the run.
    """
    from fruits_kedro.commands.verify import ResultVerifier

    with _catalog(env, params) as catalog:
        found = ResultVerifier(catalog, images).verify()
    finish(found, as_json)


@cli.command()
@click.argument("folder")
@env_option
@click.option("--params", default="", callback=read_params, help="As for kedro run.")
@click.option("--output", help="CSV to write.  [default: <store>/07_model_output/new_photos.csv]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
def predict(
    folder: str, env: str | None, params: dict[str, Any], output: str | None, as_json: bool
) -> None:
    """Name the fruits on the photos below FOLDER.

    With the backbone, the PCA and the best classifier of a store: give the --env and --params of
    the runs that made it. All photos, one row each, are in the CSV, which takes the place of an
    earlier one.
    """
    from fruits_kedro.commands.predict import describe_predictions, predict_folder
    from fruits_kedro.config.locations import read_root, short
    from fruits_kedro.datasets import CsvDataset
    from fruits_kedro.images.packed import open_images

    try:
        folder = read_root("FOLDER", folder, Path.cwd())
    except FruitsError as error:
        raise click.ClickException(str(error)) from None
    if not is_s3(folder) and not open_images(folder).exists():
        raise click.ClickException(f"There are no photos {folder}.")
    if is_s3(folder):  # its keys are found like those of a run's photos
        params = params | {"images": folder}
    with _catalog(env, params) as catalog:
        found = predict_folder(catalog, folder, catalog.load("params:extraction").limits)
        table = CsvDataset(filepath=output) if output else catalog["new_photos"]
        table.save(found)
    finish(describe_predictions(found, 10) | {"CSV": output or short(table.location)}, as_json)


@cli.command()
@click.argument("photos", nargs=-1, required=True, metavar="PHOTO…")
@env_option
@click.option("--params", default="", callback=read_params, help="As for kedro run.")
@click.option("--store", help="The store: short for --params store=…")
@click.option("--k", default=12, show_default=True, type=click.IntRange(1), help="How many.")
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Page to write.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
def similar(
    photos: tuple[str, ...],
    env: str | None,
    params: dict[str, Any],
    store: str | None,
    k: int,
    html: Path | None,
    as_json: bool,
) -> None:
    """Show the photos of a store that look like PHOTO: a file, or a path of the store.

    Exit 1 if one of the photos cannot be used.
    """
    from fruits_kedro.commands.similar import describe_similar, find_similar, similar_page

    if html is not None and html.exists():
        raise click.ClickException(f"{html} exists; give another --html.")
    with _catalog(env, params | ({"store": store} if store else {})) as catalog:
        found = find_similar(catalog, photos, k)
        if html is not None:
            html.write_text(similar_page(catalog, found), encoding="utf-8")
    finish(describe_similar(found), as_json)


@cli.command()
@env_option
@click.option("--params", default="", callback=read_params, help="As for kedro run.")
@click.option("--open", "open_it", is_flag=True, help="Open it in the browser.")
@click.pass_context
def report(context: click.Context, env: str | None, params: dict[str, Any], open_it: bool) -> None:
    """Make the report of a store again: one page with everything there is to see.

    Each run ends with it. Give the --env and --params of the run.
    """
    from fruits_kedro.commands.report import open_report

    context.invoke(run, env=env, params=params, pipelines=["report"])
    if open_it:
        with _catalog(env, params) as catalog:
            click.echo(open_report(catalog))


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
def backbones(as_json: bool) -> None:
    """List the backbones: length of a feature vector, size, and speed on this machine.

    Speed and megabytes are of those that a run has converted here.
    """
    from fruits_kedro.commands.backbones import describe_backbones

    finish(describe_backbones(), as_json)


@cli.command(context_settings={"show_default": True})
@env_option
@click.option("--params", default="", callback=read_params, help="As for kedro run: store=…")
@click.option("--host", default="127.0.0.1", help="Address to listen at.")
@click.option("--port", default=8000, type=click.IntRange(0, 65535), help="0 takes a free one.")
@click.option("--processes", type=click.IntRange(1), help="[default: one a core]")
@click.option("--queue", default=32, type=click.IntRange(1), help="Photos that wait in a process.")
@click.option("--token-file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def serve(
    env: str | None, params: dict[str, Any], token_file: Path | None, **settings: Any
) -> None:
    """Answer which fruit is on a photo: over HTTP, and on a page for a phone.

    From the store of a classification, without Spark. A new complete store takes the old one's
    place by itself. Beyond this machine (--host), requests need the token of --token-file or of
    the variable FRUITS_KEDRO_TOKEN.
    """
    from fruits_kedro.commands.serve import serve_store

    try:
        sys.exit(serve_store(env, params, token_file, settings))
    except FruitsError as error:
        raise click.ClickException(str(error)) from None


@contextmanager
def _catalog(env: str | None, params: dict[str, Any]) -> Iterator[Any]:
    """The catalog of a session; errors in the block become short ones."""
    from kedro.framework.session import KedroSession

    check_environment(env)
    logging.disable(logging.INFO)
    try:
        with KedroSession.create(env=env, runtime_params=params) as session:
            context: Any = session.load_context()  # type: ignore[attr-defined]
            yield context.catalog
    except Exception as error:
        raise click.ClickException(summarize(error)) from error
    finally:
        logging.disable(logging.NOTSET)


@cli.command()
@click.argument("folder", default=".", type=click.Path(file_okay=False, path_type=Path))
def init(folder: Path) -> None:
    """Write configuration, notebooks and a .gitignore into FOLDER: a Kedro project to change.

    kedro run, kedro viz and kedro jupyter work there.
    """
    from fruits_kedro.commands.init import init_project

    try:
        for path in init_project(folder):
            click.echo(f"wrote {path}")
    except (FruitsError, OSError) as error:
        raise click.ClickException(str(error)) from None


cli.add_command(run)
cli.add_command(emr)


@cli.command(context_settings={"show_default": True})
@click.option("--output", default="data/01_raw/fruits-360", help="Folder to fill.")
@click.option("--classes", default=12, type=click.IntRange(1), help="Varieties.")
@click.option("--images", default=80, type=click.IntRange(1), help="Photos of each.")
@click.option("--seed", default=0, type=click.IntRange(0), help="Same seed, same bytes.")
@click.option("--broken", default=0, type=click.IntRange(0), help="Broken files to add.")
def sample(output: str, classes: int, images: int, seed: int, broken: int) -> None:
    """Make a folder of synthetic fruits in the layout of Fruits-360."""
    from rich.progress import track

    from fruits_kedro.commands.sample import write_sample

    root = Path(output)
    if root.exists() and (not root.is_dir() or any(p.name != ".gitkeep" for p in root.iterdir())):
        raise click.ClickException(f"{root} is not an empty folder; give another --output.")
    try:
        written = write_sample(root, classes, images, seed, broken)
        total = sum(track(written, "Drawing fruits", total=classes))
    except OSError as error:
        raise click.ClickException(f"The sample cannot be written to {root}: {error}") from error
    click.echo(f"{total:,} photos of {classes} varieties and {broken} broken files are in {root}.")
