//! How others talk to Fulcrum: the domain stream, the control API, their transports.
