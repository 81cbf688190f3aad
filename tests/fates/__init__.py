"""A site whose objects' fates are known from how they are made, and a comparison of the verdicts.

`python -m tests.fates` serves it in many ways and prints the table. What is expected is written
beside each class, from who holds it and when it is let go; it never comes from the tracer.
"""
