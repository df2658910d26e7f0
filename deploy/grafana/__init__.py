"""Dashboards as code: `boards.py` says what is shown, `panels.py` how, `lint.py` what must hold."""
