"""Measures the product and what it is compared with; `make bench` writes docs/explanation/performance.md."""

from local.aws.functions import use_the_layer

use_the_layer()

SECRET_ID = "aep/dev/databricks/bench"
"""The Databricks secret that every measured request names."""
