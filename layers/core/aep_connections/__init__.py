"""Keeps Azure Databricks base connections in Adobe Experience Platform as their requests say."""

__version__ = "0.1.0"
