"""Photos out of a request, within limits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import HTTPException, Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect

from fruits_kedro.serving.service import Service
from fruits_kedro.serving.settings import ServeSettings

_PARTS = 1000  # of a form
_CLOSE = {"Connection": "close"}  # else a body that still comes would be read to its end


@asynccontextmanager
async def uploaded(request: Request, service: Service) -> AsyncIterator[list[bytes]]:
    """The photos of a request, its body or the files of a form, while there is room for them.

    Raises:
        HTTPException: there is none, there are too many, they are too large, they come too slowly,
            or too many wait.
    """
    settings = service.settings
    async with body_of(request, service) as body:
        kind = request.headers.get("content-type", "").lower()
        is_form = kind.startswith("multipart/")
        photos = await _files(request, body, settings) if is_form else [body]
        check_photos(photos, settings)
        yield photos


def check_photos(photos: list[bytes], settings: ServeSettings) -> None:
    """Raise HTTPException unless there are photos, not too many, and none is too large."""
    if not any(photos):
        raise HTTPException(400, "There is no photo in the request.")
    if len(photos) > settings.photos:
        raise HTTPException(400, f"A request may have {settings.photos} photos.")
    if any(len(photo) > settings.limits.bytes for photo in photos):
        raise HTTPException(413, f"A photo may have {settings.limits.bytes:,} bytes.")


@asynccontextmanager
async def body_of(request: Request, service: Service) -> AsyncIterator[bytes]:
    """The body of a request, while there is room for it; see :func:`uploaded`."""
    settings = service.settings
    length = request.headers.get("content-length", "")
    announced = int(length) if length.isdecimal() else settings.request_bytes
    too_large = f"A request may have {settings.request_bytes:,} bytes."
    if announced > settings.request_bytes:
        raise HTTPException(413, too_large, _CLOSE)
    with service.room_for(announced):
        body = bytearray()
        try:
            async with asyncio.timeout(settings.request_seconds):
                async for part in request.stream():
                    body += part
                    if len(body) > settings.request_bytes:
                        raise HTTPException(413, too_large, _CLOSE)
        except TimeoutError:
            raise HTTPException(408, "The photo came too slowly.", _CLOSE) from None
        except ClientDisconnect:
            raise HTTPException(400, "The client has gone.") from None
        yield bytes(body)


async def _files(request: Request, body: bytes, settings: ServeSettings) -> list[bytes]:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    again = Request(request.scope, receive)
    try:
        async with again.form(max_files=_PARTS, max_fields=_PARTS) as form:
            files = [one for _, one in form.multi_items() if isinstance(one, UploadFile)]
            return [await file.read() for file in files]
    except (MultiPartException, HTTPException) as error:
        detail = getattr(error, "detail", None) or getattr(error, "message", "")
        raise HTTPException(400, f"The form cannot be read: {detail}") from None
    except Exception:  # python-multipart raises many types
        raise HTTPException(400, "The form cannot be read.") from None
