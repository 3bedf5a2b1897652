"""The exam: sealed banks, the sitting, the statistics and the gate.

This room imports neither study nor training: the judge cannot be edited by the judged.
"""
