"""Formal proof: a reader and a proof checker for Metamath databases, and theorems as tasks for a learner.

A database is a text of constants, variables, hypotheses, axioms and theorems; a proof is a list of labels that
a stack machine runs. Nothing here searches for proofs, and nothing knows what a symbol means.

Source:
    Megill & Wheeler, Metamath: A Computer Language for Mathematical Proofs (2019), chapter 4 and appendix B.
"""
