//! Both services over real sockets, with the generated clients and with malformed bytes.

mod control;
mod domain;
mod handshake;
mod harness;
mod malformed_messages;
mod shutdown;
mod stream_end;
