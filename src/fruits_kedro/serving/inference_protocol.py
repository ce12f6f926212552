"""The Open Inference Protocol, version 2, over HTTP: for clients of KServe and Triton.

https://github.com/kserve/open-inference-protocol and, for binary tensors,
https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response

from fruits_kedro import __version__
from fruits_kedro.serving.service import BusyError, Service
from fruits_kedro.serving.uploads import read_body

_NAME, _INPUT = "fruits", "photos"
_OUTPUTS = {
    "label": "BYTES",
    "probability": "FP64",
    "out_of_distribution": "BOOL",
    "distance": "FP64",
    "error": "BYTES",
}
_HEADER = "inference-header-content-length"


def add_routes(app: FastAPI, service: Service, busy: HTTPException) -> None:
    """Add the routes below ``/v2``."""

    @app.get("/v2")
    def server() -> dict[str, Any]:
        """The server."""
        extensions = ["binary_tensor_data"]
        return {"name": "fruits-kedro", "version": __version__, "extensions": extensions}

    @app.get("/v2/health/live")
    @app.get("/v2/health/ready")
    @app.get(f"/v2/models/{_NAME}/ready")
    def ready() -> Response:
        """Ready: 200 with nothing in it."""
        return Response()

    @app.get(f"/v2/models/{_NAME}")
    def model() -> dict[str, Any]:
        """The inputs and outputs of the model."""
        return {
            "name": _NAME,
            "versions": ["1"],
            "platform": "fruits-kedro",
            "inputs": [{"name": _INPUT, "datatype": "BYTES", "shape": [-1]}],
            "outputs": [
                {"name": name, "datatype": kind, "shape": [-1]} for name, kind in _OUTPUTS.items()
            ],
        }

    @app.post(f"/v2/models/{_NAME}/infer")
    async def infer(request: Request) -> dict[str, Any]:
        """The label of each photo: the files' bytes, binary, or in base64 in the JSON."""
        body = await read_body(request, service.settings)
        asked, photos = _read(body, request.headers.get(_HEADER))
        if not 0 < len(photos) <= service.settings.photos:
            raise HTTPException(400, f"1 to {service.settings.photos} photos are allowed.")
        try:
            found = await service.predict(photos, 0)
        except BusyError:
            raise busy from None
        columns: dict[str, list[Any]] = {name: [] for name in _OUTPUTS}
        for one in found:
            error = one.get("error")
            columns["label"].append(one.get("label", ""))
            columns["probability"].append(one.get("probability", 0.0))
            columns["out_of_distribution"].append(one.get("out_of_distribution", False))
            columns["distance"].append(one.get("distance", 0.0))
            columns["error"].append(f"{error['stage']}: {error['reason']}" if error else "")
        return {
            "model_name": _NAME,
            "model_version": "1",
            **({"id": asked["id"]} if "id" in asked else {}),
            "outputs": [
                {"name": name, "datatype": kind, "shape": [len(photos)], "data": columns[name]}
                for name, kind in _OUTPUTS.items()
            ],
        }


def _read(body: bytes, header: str | None) -> tuple[dict[str, Any], list[bytes]]:
    """The JSON of a request, and its photos."""
    try:
        length = len(body) if header is None else int(header)
        asked = json.loads(body[:length])
        (tensor,) = asked["inputs"]
        if tensor["name"] != _INPUT or tensor["datatype"] != "BYTES":
            raise ValueError("the input is photos, of BYTES")
        if "binary_data_size" in tensor.get("parameters", {}):
            return asked, _elements(body[length:])
        return asked, [base64.b64decode(text, validate=True) for text in tensor["data"]]
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error) as error:
        raise HTTPException(400, f"The request cannot be read: {error}") from None


def _elements(content: bytes) -> list[bytes]:
    """Each element has its length before it: four bytes, the lowest first."""
    found, at = [], 0
    while at < len(content):
        end = at + 4 + int.from_bytes(content[at : at + 4], "little")
        if end > len(content):
            raise ValueError("the binary data ends early")
        found.append(content[at + 4 : end])
        at = end
    return found
