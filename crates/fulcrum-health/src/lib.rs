//! Is it well, and what then: restart policy, backoff, heartbeats, samples.
