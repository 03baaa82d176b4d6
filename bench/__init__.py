"""Measures the product and what it is compared with; `make bench` writes docs/performance.md from what it finds."""

SECRET_ID = "aep/dev/databricks/bench"
"""The Databricks secret that every measured request names."""
