//! Prints a stream of items as they arrive.

use std::future::ready;
use std::pin::pin;

use fulcrum_rpc::ControlError;
use tokio_stream::{Stream, StreamExt};

use crate::client::control_error;
use crate::exit::CliError;
use crate::output::{Output, stdout_closed};

/// How many bytes are buffered before a write, if more are available at once.
const FLUSH_BYTES: usize = 64 * 1024;

/// Prints each item through `render` until the stream ends; when following, until the instance
/// exits or standard output is closed.
///
/// # Errors
/// The request is rejected, or the stream breaks before its end.
pub(crate) async fn print<T>(
    items: impl Stream<Item = Result<T, ControlError>>,
    follow: bool,
    output: &Output,
    mut render: impl FnMut(T, &mut Vec<u8>),
) -> Result<(), CliError> {
    let mut items = pin!(items);
    let mut stdout_closed = pin!(stdout_closed());
    let mut buffer = Vec::new();
    let end = loop {
        let item = if buffer.is_empty() {
            tokio::select! {
                item = items.next() => item,
                () = &mut stdout_closed, if follow => return Ok(()),
            }
        } else {
            tokio::select! {
                biased;
                item = items.next(), if buffer.len() < FLUSH_BYTES => item,
                () = ready(()) => {
                    output.data(&buffer)?;
                    buffer.clear();
                    continue;
                }
            }
        };
        match item {
            Some(Ok(item)) => render(item, &mut buffer),
            None => break Ok(()),
            // A followed stream ends with the instance.
            Some(Err(ControlError::Disconnected(_))) if follow => break Ok(()),
            Some(Err(error)) => break Err(control_error(error)),
        }
    };
    output.data(&buffer)?;
    if follow && end.is_ok() {
        output.progress("the instance has exited");
    }
    end
}
