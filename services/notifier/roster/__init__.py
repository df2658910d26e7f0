"""Who is there: care teams, desks, shifts. Files become values; the values answer without I/O."""
