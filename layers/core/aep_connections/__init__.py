"""Keeps Azure Databricks base connections in Adobe Experience Platform in the state that was requested."""

__version__ = "0.1.0"
