"""The function `explore`: shows what a connection reaches, for the HTTP API."""
