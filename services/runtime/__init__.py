"""What every process needs and no service owns: settings, clock, logs, metrics."""
