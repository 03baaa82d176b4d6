"""Raw events into deliveries, answers into what the trigger wants back; one module a trigger."""
