"""The columns of the index of photos, and of what is extracted."""

INDEX = ("path", "split", "label", "bytes", "modified_at", "position")
EXTRACTED = (
    *("path", "split", "label", "features", "error", "fingerprint"),
    *("engine", "bytes", "modified_at"),
)
