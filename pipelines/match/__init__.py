"""Which rows of people are one person: read, compared in memory, and the pairs written back.

Names stay in this process: nothing of people lands in the warehouse, in a file, in Dagster's logs or in its metadata.
"""
