"""Adobe and Databricks as servers on this machine that behave like the real ones, faults included."""
