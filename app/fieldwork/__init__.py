"""
Orders and actas: the pages of the office, and those of the technician, made for a phone in one hand and a network that comes and goes.

They fetch an order with the reader's scope, ask the right, call one operation and commit. A technician reaches nothing but what is
assigned to them. What an order asks for is declared in `domain.fieldwork`; the forms are made from there.
"""
