//! Section G, reloading.

mod configuration;
