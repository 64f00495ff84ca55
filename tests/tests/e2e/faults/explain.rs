//! What a crash is explained by: exit codes, OOM, ports, history.
