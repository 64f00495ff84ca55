//! Paths of the methods on the gRPC port.

pub(super) const SEND: &str = "/framework.FrameworkService/SendMessage";
pub(super) const STREAM: &str = "/framework.FrameworkService/DomainCommunication";
