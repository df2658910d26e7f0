"""What the detector costs over Kafka, beside others on the same topic and broker."""
