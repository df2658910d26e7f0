"""CDS Hooks: the open cases of the patient whose chart somebody opens, as cards."""
