"""What each person has chosen for themselves: how pages look, and which cases they begin with."""
