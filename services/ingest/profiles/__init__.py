"""What a site says about its senders: YAML files, one a source; see docs/sources.md."""
