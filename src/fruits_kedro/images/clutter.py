"""What systems leave among photos, and what is no photo though it is called one."""

from __future__ import annotations

_FOLDERS = {
    *("__MACOSX", "$RECYCLE.BIN", "System Volume Information", "lost+found"),
    *("@eaDir", "#recycle", "#snapshot", "@Recycle", "@Recently-Snapshot", "@tmp"),  # NAS systems
    *("Network Trash Folder", "Temporary Items", "__pycache__", ".ipynb_checkpoints"),
}
_FILES = {"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"}
_PREFIXES = ("SYNOPHOTO_THUMB", "SYNOFILE_THUMB", "SYNOINDEX_MEDIA_INFO")


def clutter_in(path: str) -> str | None:
    """The kind of clutter that a file is or lies in, or None.

    Args:
        path: relative to the root, with ``/``. The root itself may have any name.
    """
    *folders, name = path.split("/")
    for folder in folders:
        if kind := clutter_folder(folder):
            return kind
    if name.startswith("._"):
        return "AppleDouble files (._*)"
    if name.startswith("."):
        return "hidden files"
    if name.lower() in _FILES or name.startswith(_PREFIXES):
        return "thumbnails and indexes"
    return None


def clutter_folder(name: str) -> str | None:
    """The kind of clutter that a folder of this name holds, or None."""
    if name in _FOLDERS:
        return name
    return "hidden folders" if name.startswith(".") and name not in (".", "..") else None
