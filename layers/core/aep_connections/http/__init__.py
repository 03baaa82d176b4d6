"""HTTP to Adobe and Databricks: one exchange with a hard end, and when it is repeated."""
