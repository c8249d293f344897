"""The changing half: a small closed set of acts, for remedies only."""
