"""The parts of ensemble.py, which loads them."""
