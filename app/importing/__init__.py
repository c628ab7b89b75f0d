"""
The way in: files of other systems, read, understood, tried and written.

`reading` turns a file into rows, `headers` says what its columns are, `cells` reads a cell as what its field asks, `kinds` is the
contract of what may be imported, `engine` carries the rows through it, `runs` keeps the batch and its transactions.
See docs/adr/0026-one-engine-reads-the-files-of-others.md.
"""
