"""Columns of the image index and of the extracted features."""

INDEX = ("path", "split", "label", "bytes", "modified_at", "position")
EXTRACTED = (
    *("path", "split", "label", "features", "error", "fingerprint"),
    *("engine", "bytes", "modified_at"),
)
