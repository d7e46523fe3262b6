"""All questions that the pages ask of a store; nowhere else in the dashboard stands SQL.

Every function takes a read-only connection and values, and gives Arrow tables of what is drawn:
counts and means, never the store's rows, but for the few prompts that are shown. Values only ever
come in as parameters.
"""
