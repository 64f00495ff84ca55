//! Probes, limits and supervision groups.
