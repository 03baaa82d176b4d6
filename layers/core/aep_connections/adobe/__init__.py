"""Adobe: tokens from IMS, connections in Flow Service."""
