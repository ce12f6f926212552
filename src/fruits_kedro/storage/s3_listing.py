"""Lists buckets, by pages of 1,000 objects and with little work for each object."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import unquote_plus
from xml.sax.saxutils import unescape

from fruits_kedro.storage.s3 import request_payer, split_url

_KEY, _TIME, _SIZE = (
    re.compile(f"<{tag}>([^<]*)</{tag}>") for tag in ("Key", "LastModified", "Size")
)
_CONTENTS = re.compile(rb"<Contents>.*</Contents>", re.DOTALL)
_CODED = re.compile("[%+&]").search
_ENTITIES = {"&quot;": '"', "&apos;": "'", "&#34;": '"', "&#39;": "'"}
_OURS = "FruitsPage"  # in botocore's answer


class Page(NamedTuple):
    """What a page lists: keys, times and sizes as the server wrote them, and folders below."""

    keys: list[str]
    times: list[str]
    sizes: list[str]
    folders: list[str]


def list_pages(
    client: Any,
    url: str,
    delimiter: str = "",
    start_after: str = "",
    requester_pays: bool = False,
) -> Iterator[Page]:
    """The objects whose keys begin as a URL does, in order.

    Botocore spends 80 µs on an object, nearly all of it in its parser of XML. So an event of its
    own takes the objects out of each answer first, for a tenth of the time.

    Args:
        client: of botocore; it lists by this function alone.
        delimiter: ``/`` lists one folder, and its folders.
        start_after: the key after which to begin.
        requester_pays: pay for the requests, where a bucket's owner does not.
    """
    bucket, prefix = split_url(url)
    client.meta.events.register(
        "before-parse.s3.ListObjectsV2", _take_objects, unique_id="fruits-kedro-listing"
    )
    given = {"Delimiter": delimiter, "StartAfter": start_after} | request_payer(requester_pays)
    pages = client.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix=prefix, **{name: value for name, value in given.items() if value}
    )
    for page in pages:
        folders = [one["Prefix"] for one in page.get("CommonPrefixes", [])]
        keys, times, sizes = page[_OURS]
        yield Page(keys, times, sizes, folders)


def _take_objects(
    response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any
) -> None:
    if response_dict["status_code"] != 200:
        return
    body = response_dict["body"].decode("utf-8")
    keys, times, sizes = (found.findall(body) for found in (_KEY, _TIME, _SIZE))
    decode = unquote_plus if "<EncodingType>url</EncodingType>" in body else str
    keys = [decode(unescape(key, _ENTITIES)) if _CODED(key) else key for key in keys]
    customized_response_dict[_OURS] = (keys, times, sizes)
    response_dict["body"] = _CONTENTS.sub(b"", response_dict["body"])
