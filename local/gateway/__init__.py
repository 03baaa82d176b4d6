"""API Gateway on this machine: it serves the template's HTTP API."""
