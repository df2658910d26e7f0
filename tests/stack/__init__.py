"""The stack of deploy/compose.yaml, driven from outside: `make test-stack`."""
