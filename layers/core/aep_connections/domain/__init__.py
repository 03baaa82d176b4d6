"""The words of the product as values: no AWS, no HTTP, no logging."""
