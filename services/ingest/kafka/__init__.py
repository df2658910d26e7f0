"""Apache Kafka at the ingest's edge: what is received is published, what is published is read."""
