"""One file per protocol; nothing else opens a socket."""
