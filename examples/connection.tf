# One connection, by a direct invoke of the stack's function (its output FunctionName).
# docs/how-to/use-terraform.md explains `triggers`.
resource "aws_lambda_invocation" "sales" {
  function_name   = "FUNCTION"
  lifecycle_scope = "CRUD"

  input = jsonencode({
    name               = "sales-lakehouse"
    sandbox            = "dev"
    databricksSecretId = "aep/dev/databricks/sales"
  })

  # A new key replaces the resource: the old connection is deleted, then the new one is created.
  triggers = { key = "dev/sales-lakehouse" }
}
