"""AWS on this machine: moto, what stands in for what moto lacks, and the functions' environments."""
