"""Profiling of delimited text: exact figures for every column, in little memory.

Plain Python and numpy; no Django, no queue, no reporter. The way of the data:
`sniffing` (encoding, dialect) → `rows` (batches of columns) → `column` (counts, then spills) →
`census`, `order`, `histogram` (figures from the spill) → `seeker` (texts of frequent values) → `report`.
"""
