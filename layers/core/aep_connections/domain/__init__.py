"""The product's terms as plain values: no AWS, no HTTP, no logging."""
