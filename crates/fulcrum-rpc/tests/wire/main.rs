//! Both services over real sockets, with the generated clients and with bytes that no
//! client would send.

mod control;
mod domain;
mod endings;
mod harness;
mod shutdown;
mod strangers;
mod unreadable;
