"""AWS: secrets, registry, parameters, events and queues, one module each."""
