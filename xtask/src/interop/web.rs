//! Calls by gRPC-Web and Connect, with stock clients in Node.

use std::path::Path;

use crate::command::CommandRunner;
use crate::node_tools;
use crate::workspace;

/// The clients, and what reads the checked-in descriptors.
const PACKAGES: [&str; 4] = [
    "@bufbuild/protobuf@2.17.0",
    "@connectrpc/connect@2.3.0",
    "@connectrpc/connect-node@2.3.0",
    "@connectrpc/connect-web@2.3.0",
];

/// Calls the domains of the instance at this address.
pub(super) fn check(directory: &Path, address: &str, domains: &[&str]) -> anyhow::Result<()> {
    let packages = workspace::tools()?.join("connect");
    node_tools::install(&packages, &PACKAGES)?;
    let descriptors = workspace::root().join("crates/fulcrum-rpc/src/generated/framework.bin");
    CommandRunner::new("node", workspace::root())
        .arg(directory.join("web.mjs"))
        .arg(address)
        .arg(descriptors)
        .arg(&packages)
        .args(domains)
        .run_checked()
}
