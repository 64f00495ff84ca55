//! Section F: the gRPC port: unknown clients, floods, and clients that violate the protocol.

mod connections;
mod floods;
mod messages;
mod methods;
mod port_in_use;
mod slow_clients;
