"""A fictitious second source type, for tests only: its module and its tests. It cannot be deployed."""
