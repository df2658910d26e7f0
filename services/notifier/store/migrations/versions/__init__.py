"""One step a file. A published step is never edited: databases in the field have taken it."""
