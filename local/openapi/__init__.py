"""The HTTP API's OpenAPI document, as plain data, and the command that writes it. No function needs it."""
