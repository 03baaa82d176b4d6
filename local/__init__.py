"""The whole stack on one machine: moto as AWS, simulators of Adobe and Databricks, and the real functions."""
