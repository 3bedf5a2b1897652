"""Memories as other memory systems keep them, and back: pure functions between records and texts.

A format's `write` turns memories into file names and texts, its `read` turns files into entries. What the
disk does is in `disk.py`; who may believe an entry is the flow's to say (`nightschool.exchange`).
"""
