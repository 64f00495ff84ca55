//! Section D, Fulcrum's own end: signals, terminals, SIGKILL, leftovers.
