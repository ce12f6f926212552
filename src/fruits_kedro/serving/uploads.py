"""Photos out of a request, within limits."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import HTTPException, Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException

from fruits_kedro.serving.settings import ServeSettings


async def read_photos(request: Request, settings: ServeSettings) -> list[bytes]:
    """The photos of a request: its body, or the files of a form.

    Raises:
        HTTPException: there is none, there are too many, they are too large, or they come too
            slowly.
    """
    body = await read_body(request, settings)
    kind = request.headers.get("content-type", "")
    photos = await _files(request, body, settings) if kind.startswith("multipart/") else [body]
    if not any(photos):
        raise HTTPException(400, "There is no photo in the request.")
    if any(len(photo) > settings.limits.bytes for photo in photos):
        raise HTTPException(413, f"A photo may have {settings.limits.bytes:,} bytes.")
    return photos


async def read_body(request: Request, settings: ServeSettings) -> bytes:
    """The body of a request; raises HTTPException if it is too large or comes too slowly."""
    too_large = HTTPException(413, f"A request may have {settings.request_bytes:,} bytes.")
    if int(request.headers.get("content-length") or 0) > settings.request_bytes:
        raise too_large
    parts, size = [], 0
    try:
        async with asyncio.timeout(settings.request_seconds):
            async for part in request.stream():
                parts.append(part)
                size += len(part)
                if size > settings.request_bytes:
                    raise too_large
    except TimeoutError:
        raise HTTPException(408, "The photo came too slowly.") from None
    return b"".join(parts)


async def _files(request: Request, body: bytes, settings: ServeSettings) -> list[bytes]:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    again = Request(request.scope, receive)
    try:
        async with again.form(max_files=settings.photos, max_fields=settings.photos) as form:
            files = [one for _, one in form.multi_items() if isinstance(one, UploadFile)]
            return [await file.read() for file in files]
    except (MultiPartException, HTTPException) as error:
        detail = getattr(error, "detail", None) or getattr(error, "message", "")
        raise HTTPException(400, f"The form cannot be read: {detail}") from None
    except Exception:  # python-multipart raises many types
        raise HTTPException(400, "The form cannot be read.") from None
