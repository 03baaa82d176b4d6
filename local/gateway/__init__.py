"""API Gateway on this machine: the template's HTTP API, served."""
