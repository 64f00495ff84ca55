//! Output of commands: data on standard output, everything else on standard error.

mod ci;
mod color;
mod describe;
mod diagnostic;
mod domain_table;
mod event_kind;
mod excerpt;
mod explanation;
mod generations;
mod json;
mod markdown;
mod plan_table;
mod spinner;
mod stdout_closed;
mod stream_info;
mod table;
mod timings;
mod writer;

pub(crate) use ci::{CiReporter, FailedDomain};
pub(crate) use color::Color;
pub(crate) use describe::{describe_domain, describe_instance};
pub(crate) use diagnostic::DiagnosticJson;
pub(crate) use domain_table::{Columns, domain_table};
pub(crate) use event_kind::kind_color;
pub(crate) use explanation::Explanation;
pub(crate) use generations::{GenerationJson, group_by_generation};
pub(crate) use json::{DomainJson, EventJson, InstanceJson};
pub(crate) use markdown::render_markdown;
pub(crate) use plan_table::{PlanJson, plan_table};
pub(crate) use stdout_closed::stdout_closed;
pub(crate) use stream_info::{StreamInfo, color_disabled_by_env};
pub(crate) use table::{Cell, Table, sanitize};
pub(crate) use timings::Timings;
pub(crate) use writer::Output;
