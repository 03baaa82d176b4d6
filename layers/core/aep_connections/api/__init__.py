"""The HTTP API: a row and a function for each route."""
