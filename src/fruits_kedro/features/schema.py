"""Columns of the image index and of the extracted features."""

INDEX = ("path", "split", "label", "bytes", "modified_at", "position", "in_subset")
EXTRACTED = (
    *("path", "split", "label", "features", "error", "fingerprint"),
    *("engine", "bytes", "modified_at", "in_subset"),
)
# Columns without which the rows of an earlier run cannot be used.
EARLIER = set(EXTRACTED) - {"in_subset"}
