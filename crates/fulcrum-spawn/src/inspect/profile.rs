//! Profiles of a running Node program: CPU time by functions, and what is on the heap.

use std::time::Duration;

use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::node::Inspector;

/// The pause between two samples of a CPU profile, in microseconds.
const SAMPLING_INTERVAL_US: u64 = 1000;

impl Inspector {
    /// Samples the call stack for so long. Returns the profile in the format `.cpuprofile`. `None` if
    /// the connection ends, such as with the process.
    pub async fn cpu_profile(&mut self, time: Duration) -> Option<String> {
        self.request("Profiler.enable", json!({})).await?;
        let interval = json!({ "interval": SAMPLING_INTERVAL_US });
        self.request("Profiler.setSamplingInterval", interval)
            .await?;
        self.request("Profiler.start", json!({})).await?;
        sleep(time).await;
        let response = self.request("Profiler.stop", json!({})).await?;
        let profile = &response["result"]["profile"];
        profile.is_object().then(|| profile.to_string())
    }

    /// Takes a snapshot of the heap in the format `.heapsnapshot`, and passes it on in parts, so that
    /// it is never in memory as a whole. The program's JavaScript stands still meanwhile. `None` if the
    /// connection ends before the snapshot does, or nothing takes the parts.
    pub async fn heap_snapshot(&mut self, parts: &mpsc::Sender<String>) -> Option<()> {
        let params = json!({ "reportProgress": false });
        let id = self.call("HeapProfiler.takeHeapSnapshot", params).await?;
        loop {
            let message = self.receive().await?;
            if message["method"] == "HeapProfiler.addHeapSnapshotChunk" {
                let part = message["params"]["chunk"].as_str().unwrap_or_default();
                if !part.is_empty() {
                    parts.send(part.to_owned()).await.ok()?;
                }
            }
            if message["id"] == id {
                return message["error"].is_null().then_some(());
            }
        }
    }
}
