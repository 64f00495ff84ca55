//! The deadline of a caller, from the metadata `grpc-timeout`.
//!
//! tonic enforces it too, and then ends the call with `CANCELLED`. So a call ends here a moment
//! earlier, with `DEADLINE_EXCEEDED` and, where the message was received, with the domain's name.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{HeaderMap, Request, Response};
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::Status;
use tonic::body::Body;
use tower::{Layer, Service};

/// How much earlier than tonic a call is ended. Its timers have a resolution of 1 ms.
const MARGIN: Duration = Duration::from_millis(2);

/// When a caller gives up; in the extensions of its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CallerDeadline {
    /// The time.
    pub(crate) at: Instant,
    /// The time limit that it follows from.
    pub(crate) timeout: Duration,
}

/// Adds the [`CallerDeadline`] to requests, and ends those whose message has not been received by
/// then.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CallerDeadlineLayer;

impl<S> Layer<S> for CallerDeadlineLayer {
    type Service = CallerDeadlineService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        CallerDeadlineService { inner }
    }
}

/// See [`CallerDeadlineLayer`].
#[derive(Clone, Debug)]
pub(crate) struct CallerDeadlineService<S> {
    inner: S,
}

impl<S, B> Service<Request<B>> for CallerDeadlineService<S>
where
    S: Service<Request<B>, Response = Response<Body>>,
    S::Future: Unpin,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let timeout = timeout_of(request.headers());
        let limit = timeout.map(|timeout| {
            let now = Instant::now();
            // Half of the margin is left to the handler, which knows the domain.
            let margin = MARGIN.min(timeout / 4);
            let at = now + timeout - margin;
            request
                .extensions_mut()
                .insert(CallerDeadline { at, timeout });
            let limit = sleep_until(now + timeout - margin / 2);
            (Box::pin(limit), timeout)
        });
        ResponseFuture {
            response: self.inner.call(request),
            limit,
        }
    }
}

/// The response, or `DEADLINE_EXCEEDED`.
pub(crate) struct ResponseFuture<F> {
    response: F,
    limit: Option<(Pin<Box<Sleep>>, Duration)>,
}

impl<F, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<Body>, E>> + Unpin,
{
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        if let Poll::Ready(response) = Pin::new(&mut self.response).poll(context) {
            return Poll::Ready(response);
        }
        let Some((limit, timeout)) = &mut self.limit else {
            return Poll::Pending;
        };
        limit.as_mut().poll(context).map(|()| {
            let text = format!("no complete request within {} s", timeout.as_secs_f64());
            Ok(Status::deadline_exceeded(text).into_http())
        })
    }
}

/// The value of `grpc-timeout`; `None` if it is missing or malformed.
/// <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>
fn timeout_of(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if number.is_empty() || number.len() > 8 || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: u64 = number.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(number * 3600),
        "M" => Duration::from_secs(number * 60),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_timeout_has_a_unit_and_at_most_eight_digits() {
        let parse = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("grpc-timeout", HeaderValue::from_static(text));
            timeout_of(&headers)
        };
        assert_eq!(parse("250m"), Some(Duration::from_millis(250)));
        assert_eq!(
            parse("99999999H"),
            Some(Duration::from_secs(359_999_996_400))
        );
        assert_eq!(parse("7u"), Some(Duration::from_micros(7)));
        for malformed in ["", "m", "5", "5x", "123456789S", "-1S", "1.5S", "+1S"] {
            assert_eq!(parse(malformed), None, "{malformed}");
        }
        assert_eq!(timeout_of(&HeaderMap::new()), None);
    }
}
