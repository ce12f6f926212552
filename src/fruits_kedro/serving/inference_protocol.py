"""The Open Inference Protocol, version 2, over HTTP: for clients of KServe and Triton.

https://github.com/kserve/open-inference-protocol and, for binary tensors,
https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md
"""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse

from fruits_kedro import __version__
from fruits_kedro.serving.predict import Answer
from fruits_kedro.serving.service import Service
from fruits_kedro.serving.uploads import body_of, check_photos

_NAME, _VERSION, _INPUT = "fruits", "1", "photos"
_OUTPUTS: dict[str, tuple[str, Any]] = {  # the type, and what stands where there is none
    "label": ("BYTES", ""),
    "probability": ("FP64", 0.0),
    "out_of_distribution": ("BOOL", False),
    "distance": ("FP64", 0.0),
    "error": ("BYTES", ""),
}
_HEADER = "inference-header-content-length"


def add_routes(app: FastAPI, service: Service) -> None:
    """Add the routes below ``/v2``."""

    @app.get("/v2")
    def server() -> dict[str, Any]:
        """The server."""
        extensions = ["binary_tensor_data"]
        return {"name": "fruits-kedro", "version": __version__, "extensions": extensions}

    @app.get("/v2/health/live")
    @app.get("/v2/health/ready")
    @app.get(f"/v2/models/{_NAME}/ready")
    @app.get(f"/v2/models/{_NAME}/versions/{_VERSION}/ready")
    def ready() -> Response:
        """Ready: 200 with nothing in it."""
        return Response()

    @app.get(f"/v2/models/{_NAME}")
    @app.get(f"/v2/models/{_NAME}/versions/{_VERSION}")
    def model() -> dict[str, Any]:
        """The inputs and outputs of the model."""
        return {
            "name": _NAME,
            "versions": [_VERSION],
            "platform": "fruits-kedro",
            "inputs": [{"name": _INPUT, "datatype": "BYTES", "shape": [-1]}],
            "outputs": [
                {"name": n, "datatype": kind, "shape": [-1]} for n, (kind, _) in _OUTPUTS.items()
            ],
        }

    @app.post(f"/v2/models/{_NAME}/infer")
    @app.post(f"/v2/models/{_NAME}/versions/{_VERSION}/infer")
    async def infer(request: Request) -> JSONResponse:
        """The label of each photo: the files' bytes, binary, or in base64 in the JSON.

        Outputs are in the JSON, whatever a client prefers.
        """
        try:
            async with body_of(request, service) as body:
                header = request.headers.get(_HEADER)
                most = service.settings.photos
                asked, photos = await asyncio.to_thread(_read, body, header, most)
                check_photos(photos, service.settings)
                found = await service.predict(photos, 0)
        except HTTPException as error:
            return JSONResponse({"error": error.detail}, error.status_code, error.headers)
        service.metrics.count(found)
        return JSONResponse(_answer(asked, found))


def _answer(asked: dict[str, Any], found: list[Answer]) -> dict[str, Any]:
    rows = [one | {"error": _error(one)} for one in found]
    wanted = {one["name"] for one in asked.get("outputs") or []} or set(_OUTPUTS)
    answer = {"model_name": _NAME, "model_version": _VERSION}
    if "id" in asked:
        answer["id"] = asked["id"]
    return answer | {
        "outputs": [
            {"name": name, "datatype": kind, "shape": [len(rows)]}
            | {"data": [row.get(name, none) for row in rows]}
            for name, (kind, none) in _OUTPUTS.items()
            if name in wanted
        ]
    }


def _error(answer: Answer) -> str:
    error = answer.get("error")
    return f"{error['stage']}: {error['reason']}" if error else ""


def _read(body: bytes, header: str | None, most: int) -> tuple[dict[str, Any], list[bytes]]:
    """The JSON of a request, and its photos, at most one more than are allowed."""
    try:
        length = len(body) if header is None else int(header)
        asked = json.loads(body[:length])
        (tensor,) = asked["inputs"]
        if tensor["name"] != _INPUT or tensor["datatype"] != "BYTES":
            raise ValueError("the input is photos, of BYTES")
        if not isinstance(asked.get("id", ""), str):
            raise ValueError("the id is text")
        asked.get("id", "").encode()  # what has no UTF-8 cannot be sent back
        for output in asked.get("outputs") or []:
            if output["name"] not in _OUTPUTS:
                raise ValueError(f"there are the outputs {', '.join(_OUTPUTS)}")
        if "binary_data_size" in tensor.get("parameters", {}):
            return asked, _elements(body[length:], most)
        texts = tensor["data"][: most + 1]
        return asked, [base64.b64decode(text, validate=True) for text in texts]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise HTTPException(400, f"The request cannot be read: {error}") from None


def _elements(content: bytes, most: int) -> list[bytes]:
    """Each element has its length before it: four bytes, the lowest first."""
    found: list[bytes] = []
    at = 0
    while at < len(content) and len(found) <= most:
        end = at + 4 + int.from_bytes(content[at : at + 4], "little")
        if end > len(content):
            raise ValueError("the binary data ends early")
        found.append(content[at + 4 : end])
        at = end
    return found
