"""What callers write and read: requests, messages and documents. It imports neither AWS nor HTTP."""
