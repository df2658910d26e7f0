"""Synthetic patients with known truth: for the demo, for tests and for back-tests.

A *story* writes what happens to one patient, and with it what the rules must say. A *delivery*
makes the hospital's usual mess of it: late, twice, preliminary first, corrected afterwards.
Neither ever asks the detector.
"""
