"""The HTTP API: a function for each route, and the document that describes them. It holds no secret."""
