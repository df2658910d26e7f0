"""What the notifier remembers, in SQLite or PostgreSQL: rows in, rows out, decisions elsewhere.

SQLAlchemy Core, not its object mapper: what is written when is the point of this package.
"""
