"""How leads get on, counted from their rows: how far those of a period have come, and how soon they were answered.

A period is made of the leads that came in it (UTC days), however far they are by now, so the newest ones have had less
time: what is still open is counted beside what was won and lost. The mart ``lead_funnel`` counts the same steps for
months; it does not know what was qualified before it was lost, which the rows here do.
"""
