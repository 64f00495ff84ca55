//! Metrics: plain values in, OpenMetrics out.
