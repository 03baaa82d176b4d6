"""The function `reconcile`: compares the fleet with its desired state, announces drift, and has it repaired."""
