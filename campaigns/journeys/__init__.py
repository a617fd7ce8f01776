"""Journeys: a graph that people walk through at their own pace.

`graph` reads one, `walking` is the one step of it, both without a look at any table. `entering`
lets people in, `hearing` tells them of events, `engine` moves those who are due, `versions` puts
another graph under their feet, `steering` launches, pauses and ends.
"""
