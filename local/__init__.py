"""The whole stack on one machine: moto as AWS, simulators as Adobe and Databricks, the real function."""
