"""The words that the services share: events, alerts, topics and clinical terminology."""
