"""The function `reconcile`: compares the fleet with its desired state, announces drift, and triggers repairs."""
