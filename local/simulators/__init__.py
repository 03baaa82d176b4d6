"""Adobe and Databricks, each as a server on this machine that behaves as the real one does, faults included."""
