"""Who may see and do what in the inbox: sign-ins, roles, and the check of every single case."""
