"""What a site needs to run salvage-watch and to watch it, and what makes those files.

`python -m deploy` renews what is generated: the list of metrics, and the dashboards.
"""
