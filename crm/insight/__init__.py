"""The customers as a whole, to look at: who buys how, who comes back, where the value lies.

Each module answers one question with a fixed number of queries and returns plain numbers;
the page that draws them is in crm/admin/insight.py.
"""
