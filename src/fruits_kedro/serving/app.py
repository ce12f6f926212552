"""The routes of the service."""

from __future__ import annotations

import time
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import FastAPI, HTTPException, Query, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from fruits_kedro import __version__
from fruits_kedro.serving import inference_protocol
from fruits_kedro.serving.guard import Guard
from fruits_kedro.serving.page import page
from fruits_kedro.serving.service import Service
from fruits_kedro.serving.uploads import uploaded

_EXAMPLE = {
    "label": "Apple 10",
    "probability": 0.986,
    "top": [{"label": "Apple 10", "probability": 0.986}],
    "out_of_distribution": False,
    "distance": 12.07,
    "threshold": 16.65,
    "nearest": [
        {
            "path": "Training/Apple 10/r0_119_100.jpg",
            "label": "Apple 10",
            "similarity": 0.963,
            "picture": "/photos/Training/Apple%2010/r0_119_100.jpg",
        }
    ],
}
_ANSWERS: Any = {
    200: {"content": {"application/json": {"example": {"photos": [_EXAMPLE], "ms": 9.1}}}},
    422: {"description": "None of the photos can be used: stage and reason as in a run"},
    503: {"description": "Too many photos wait; Retry-After says when to try again"},
}
_BODY: Any = {
    "requestBody": {
        "required": True,
        "content": {
            "image/*": {"schema": {"type": "string", "format": "binary"}},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "photos": {"type": "array", "items": {"type": "string", "format": "binary"}}
                    },
                }
            },
        },
    }
}


def create_app(service: Service, token: str | None) -> FastAPI:
    """The application of one process."""
    app = FastAPI(title="fruits-kedro", version=__version__, redoc_url=None, docs_url=None)
    settings, metrics = service.settings, service.metrics

    async def answer(contents: list[bytes], neighbours: int) -> JSONResponse:
        """The answers as JSON; 422 if none of the photos can be used."""
        started = time.perf_counter()
        found = await service.predict(contents, neighbours)
        metrics.count(found)
        for near in (near for one in found for near in one.get("nearest", [])):
            near["picture"] = f"/photos/{quote(near['path'])}"
        ms = round(1000 * (time.perf_counter() - started), 1)
        status = 422 if all("error" in one for one in found) else 200
        return JSONResponse({"photos": found, "ms": ms}, status)

    @app.post("/predict", responses=_ANSWERS, openapi_extra=_BODY)
    async def predict(request: Request) -> JSONResponse:
        """The label of each photo, the probabilities of the best ones, and similar photos."""
        async with uploaded(request, service) as contents:
            return await answer(contents, settings.neighbours)

    @app.post("/similar", responses=_ANSWERS, openapi_extra=_BODY)
    async def similar(
        request: Request, k: Annotated[int, Query(ge=1, le=100)] = 12
    ) -> JSONResponse:
        """The most similar photos of the store."""
        async with uploaded(request, service) as contents:
            return await answer(contents, k)

    @app.get("/photos/{path:path}", response_class=Response)
    def photo(path: str) -> Response:
        """The small picture of a photo of the store, by its path there."""
        picture = service.store.photos.picture(path)
        if picture is None:
            raise HTTPException(404, "The store has no picture of such a photo.")
        return Response(picture, media_type="image/jpeg")

    @app.get("/health/live")
    def live() -> dict[str, str]:
        """Whether the process answers."""
        return {"status": "live"}

    @app.get("/health/ready")
    def ready() -> dict[str, Any]:
        """What answers."""
        store = service.store
        return {
            "status": "ready",
            "backbone": store.backbone.fingerprint,
            "classifier": store.best,
            "labels": len(store.classes),
            "photos": len(store.photos.rows),
        }

    @app.get("/metrics", response_class=Response)
    def figures() -> Response:
        """Requests, seconds, photos, rejects and the queue, for Prometheus."""
        return Response(metrics.text(), media_type="text/plain; version=0.0.4")

    @app.get("/", response_class=HTMLResponse, include_in_schema=False)
    def front(request: Request, lang: str = "") -> HTMLResponse:
        accepted = request.headers.get("accept-language", "")
        french = lang == "fr" or (not lang and accepted.lower().startswith("fr"))
        return HTMLResponse(page("fr" if french else "en", settings.limits.bytes))

    inference_protocol.add_routes(app, service)
    app.add_middleware(Guard, token=token, is_local=settings.is_loopback, metrics=metrics)
    return app
