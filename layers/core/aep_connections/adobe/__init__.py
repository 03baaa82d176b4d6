"""Adobe: tokens from IMS, connections in Flow Service, over one HTTP transport."""
