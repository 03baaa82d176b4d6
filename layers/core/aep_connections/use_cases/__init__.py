"""What the product does, as verbs over ports: no AWS, no HTTP, no logging."""
