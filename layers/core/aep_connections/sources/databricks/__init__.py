"""Azure Databricks: the secret, a thin client for its REST API, the readiness report, and what a refusal means."""
