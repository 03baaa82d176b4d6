"""Azure Databricks: a thin client for what has to be known of a workspace, and the report made of it."""
