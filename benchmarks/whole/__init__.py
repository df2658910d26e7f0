"""The whole catalogue on a mixed cohort: the engine, reading, and the durable run, side by side."""
