"""The function `provision`: brings connections to their requested state, and accounts for every request."""
