"""The only room that touches the operating system. `interface.py` says what may be asked and what may be
done."""
