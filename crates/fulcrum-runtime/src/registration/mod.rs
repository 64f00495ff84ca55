//! Registrations: process identities for the authorizer, and what happens on domains' streams.

pub(crate) mod events;
pub(crate) mod identity;
