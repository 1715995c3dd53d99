"""Client lists on their way in, from the file to the dossiers.

`remarks` what may be found in a cell · `cells` how one cell is cleaned · `columns` the same for whole columns at once ·
`rows` what only a whole row tells · `headers` which column is what · `staging` the plan: COPY and a classifying join ·
`reading` from the file to the plan · `applying` from the plan to the dossiers · `working` leases and progress.
"""
