"""Plots, tables and pages."""
