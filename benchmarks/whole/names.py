"""What the ways and the orders are called, in tables and in JSON."""

ENGINE, READING, DURABLE = "engine only", "reading + engine", "durable run"
IN_ORDER, UNTIDY, SHUFFLED = ORDERS = ("in order", "untidy", "shuffled")
