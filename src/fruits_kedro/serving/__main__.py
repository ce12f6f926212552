"""The service where Kedro is not installed: ``python -m fruits_kedro.serving --store /store``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from fruits_kedro.errors import FruitsError
from fruits_kedro.serving.server import Server
from fruits_kedro.serving.settings import TOKEN, ServeSettings, find_token


def main() -> int:
    """Serve until the service is ended; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m fruits_kedro.serving", description=__doc__)
    parser.add_argument("--store", required=True, help="a folder, or a URL that fsspec knows")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--processes", type=int, default=argparse.SUPPRESS)
    parser.add_argument("--queue", type=int, default=32, help="photos that wait in a process")
    parser.add_argument("--token-file", type=Path, help=f"or the variable {TOKEN}")
    given = vars(parser.parse_args())
    file = given.pop("token_file")
    try:
        token = find_token(file)
        return Server(ServeSettings(**given), token).run(print)
    except (FruitsError, OSError, ValueError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
