"""From what was read to what is done.

Pure: `recipients` (whom it is for), `tiers` (who may have it sent), `judge` (what is to be done), `plan` (that, as a value), `keys`.
In a transaction: `known` (what the database knows of its addresses), `accept` (the one that sends), `caps`, `quotes`, `held` (what waits
for its sender), `confirm` (the sender's word), `rows` (the mails themselves), `told` (letters).
"""
