"""A made-up second source type, for tests only: its room, and its whole life. Nobody can deploy it."""
