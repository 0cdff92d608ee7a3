"""The encoder's layer of a transformer, and what it needs beside attention."""
