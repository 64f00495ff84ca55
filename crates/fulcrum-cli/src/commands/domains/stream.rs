//! Printing what comes, as it comes.

use std::future::ready;
use std::pin::pin;

use fulcrum_rpc::ControlError;
use tokio_stream::{Stream, StreamExt};

use crate::client::refused;
use crate::exit::Stop;
use crate::output::{Output, reader_gone};

/// As much is gathered before it is written, if more is there already.
const FULL: usize = 64 * 1024;

/// Prints each item as `render` puts it, until the end; when following, until the instance or the
/// reader of our output is gone.
///
/// # Errors
/// The instance's refusal, and a stream that breaks before its end.
pub(super) async fn print<T>(
    items: impl Stream<Item = Result<T, ControlError>>,
    follow: bool,
    output: &Output,
    mut render: impl FnMut(T, &mut Vec<u8>),
) -> Result<(), Stop> {
    let mut items = pin!(items);
    let mut reader_gone = pin!(reader_gone());
    let mut gathered = Vec::new();
    let end = loop {
        let item = if gathered.is_empty() {
            tokio::select! {
                item = items.next() => item,
                () = &mut reader_gone, if follow => return Ok(()),
            }
        } else {
            tokio::select! {
                biased;
                item = items.next(), if gathered.len() < FULL => item,
                () = ready(()) => {
                    output.data(&gathered)?;
                    gathered.clear();
                    continue;
                }
            }
        };
        match item {
            Some(Ok(item)) => render(item, &mut gathered),
            None => break Ok(()),
            // Whoever follows a log knows that it ends with the instance.
            Some(Err(ControlError::Gone(_))) if follow => break Ok(()),
            Some(Err(error)) => break Err(refused(error)),
        }
    };
    output.data(&gathered)?;
    if follow && end.is_ok() {
        output.note("the instance has ended");
    }
    end
}
