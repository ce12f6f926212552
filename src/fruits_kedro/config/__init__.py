"""Typed models of all that is read from YAML."""
