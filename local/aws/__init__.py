"""AWS on this machine: moto, replacements for what moto lacks, and the functions' environments."""
