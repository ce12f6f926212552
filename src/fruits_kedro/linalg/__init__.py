"""Exact linear algebra on arrays. No Spark in here."""
