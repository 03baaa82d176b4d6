"""HTTP to Adobe and Databricks: one exchange with a total time limit, and when it is repeated."""
