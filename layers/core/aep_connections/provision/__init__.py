"""The function `provision`: makes connections as their requests say, and keeps an account of each request."""
