"""Atomic writes, locks and manifests, on a disk or in a bucket."""
