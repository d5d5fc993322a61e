"""Runs every command of the README's ``bash`` blocks, in order, in a fresh copy of the checkout's examples.

``make test`` and ``make demo`` and the installation run before or beside this; a block marked ``bash no-run`` needs data or time that a test
machine does not have.
"""
