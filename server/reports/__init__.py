"""Reports: figures over what was kept, each with its definition beside it and the rows behind it."""
