//! Section F: the control plane and the gRPC port.
