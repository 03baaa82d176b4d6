"""What the outside writes and reads: requests, messages and documents. It knows neither AWS nor HTTP."""
