"""Client lists fetched from other platforms, behind one small interface.

`interface` what a connector gives: `iter_clients(cursor)`, pages of clients · `troubles` what may go wrong, and what to
do about it · `web` the one way out: https, named hosts, limits · `pennylane`, `myunisoft` platforms with a token ·
`platforms` and `form` those with a sign-in page only, described by the settings · `listing` the clients as a file ·
`fetching` the worker's work, page by page.
"""
