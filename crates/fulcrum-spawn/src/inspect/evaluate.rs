//! Evaluates an expression in a Node program.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::timeout;

use super::node::Inspector;

/// Names what the inspector keeps for an evaluation. It is freed with the connection.
const GROUP: &str = "fulcrum";

/// Formats a value as Node's REPL does, and as JSON if it has a JSON text. `this` is `util.inspect`.
const FORMAT: &str = "function (value) { \
    let json; \
    try { json = JSON.stringify(value); } catch {} \
    return { text: this(value, { depth: 5 }), json: typeof json === 'string' ? json : '' }; }";

/// What V8 says of an expression that it has ended.
const TERMINATED: &str = "Execution was terminated";

/// How much longer than an expression may take its end may take.
const END_TIMEOUT: Duration = Duration::from_millis(500);

/// The longest limit that V8 is told.
const MAX_LIMIT: Duration = Duration::from_secs(24 * 60 * 60);

/// Why an expression has neither a value nor thrown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EvaluationError {
    /// It took too long. It does not run any more, but for a promise that it waited for.
    TimedOut,
    /// The connection has ended: the program has, or the value is too large.
    Closed,
}

/// The value of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evaluation {
    /// Whether it has a value. Otherwise it has thrown.
    pub success: bool,
    /// The value as `util.inspect` formats it, or the error with its stack.
    pub text: String,
    /// The value as JSON; empty if it has no JSON text, such as a function or what refers to itself.
    pub json: String,
}

impl Inspector {
    /// Evaluates an expression as Node's REPL does: declarations stay, `await` may be used, and
    /// `require` is defined. A promise is awaited. Code that runs longer than `limit` is ended, so
    /// that the program goes on.
    ///
    /// # Errors
    /// There is no value within `limit`, or the connection ends.
    pub async fn evaluate(
        &mut self,
        expression: &str,
        limit: Duration,
    ) -> Result<Evaluation, EvaluationError> {
        let evaluation = self.evaluate_within(expression, limit);
        match timeout(limit.saturating_add(END_TIMEOUT), evaluation).await {
            Err(_) => Err(EvaluationError::TimedOut),
            Ok(None) => Err(EvaluationError::Closed),
            Ok(Some(value)) if !value.success && value.text == TERMINATED => {
                Err(EvaluationError::TimedOut)
            }
            Ok(Some(value)) => Ok(value),
        }
    }

    async fn evaluate_within(&mut self, expression: &str, limit: Duration) -> Option<Evaluation> {
        let mut params = json!({
            "expression": expression, "objectGroup": GROUP, "includeCommandLineAPI": true,
            "replMode": true, "awaitPromise": true,
        });
        if limit <= MAX_LIMIT {
            params["timeout"] = json!(limit.as_millis() as u64);
        }
        let mut response = self.request("Runtime.evaluate", params).await?;
        let value = &response["result"]["result"];
        if value["subtype"] == "promise" && response["result"]["exceptionDetails"].is_null() {
            // As the REPL wraps the value, it is not awaited yet.
            let params = json!({ "promiseObjectId": value["objectId"] });
            response = self.request("Runtime.awaitPromise", params).await?;
        }
        let result = &response["result"];
        if let Some(error) = response["error"]["message"].as_str() {
            return Some(thrown(error));
        }
        let exception = &result["exceptionDetails"];
        if exception.is_null() {
            return self.format(&result["result"]).await;
        }
        let description = exception["exception"]["description"].as_str();
        if let Some(description) = description {
            return Some(thrown(description));
        }
        // Anything can be thrown.
        let value = self.format(&exception["exception"]).await?;
        Some(Evaluation {
            success: false,
            ..value
        })
    }

    /// Makes Node close its inspector, which is over soon after. The connection is of no use then.
    pub async fn close(mut self) {
        let expression = "setImmediate(() => process._debugEnd())";
        let _ = self
            .request("Runtime.evaluate", json!({ "expression": expression }))
            .await;
    }

    async fn format(&mut self, value: &Value) -> Option<Evaluation> {
        let params = json!({
            "expression": "require('node:util').inspect", "objectGroup": GROUP,
            "includeCommandLineAPI": true,
        });
        let inspect = self.request("Runtime.evaluate", params).await?;
        let inspect = &inspect["result"]["result"]["objectId"];
        let params = json!({
            "objectId": inspect, "functionDeclaration": FORMAT, "arguments": [argument(value)],
            "returnByValue": true, "silent": true,
        });
        let response = self.request("Runtime.callFunctionOn", params).await?;
        let formatted = &response["result"]["result"]["value"];
        let text = |key: &str| formatted[key].as_str().map(str::to_owned);
        Some(Evaluation {
            success: true,
            // A getter has thrown: there is still its class.
            text: text("text")
                .or_else(|| value["description"].as_str().map(str::to_owned))
                .unwrap_or_default(),
            json: text("json").unwrap_or_default(),
        })
    }
}

fn thrown(text: &str) -> Evaluation {
    Evaluation {
        success: false,
        text: text.to_owned(),
        json: String::new(),
    }
}

/// A value of the inspector as an argument for another call.
fn argument(value: &Value) -> Value {
    let keys = ["objectId", "unserializableValue", "value"];
    let found = keys.iter().find(|key| !value[**key].is_null());
    found.map_or_else(|| json!({}), |key| json!({ *key: value[*key] }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_passed_on_by_reference_or_as_it_is() {
        for (value, expected) in [
            (
                json!({"type": "object", "objectId": "7"}),
                json!({"objectId": "7"}),
            ),
            (
                json!({"type": "number", "unserializableValue": "NaN"}),
                json!({"unserializableValue": "NaN"}),
            ),
            (json!({"type": "number", "value": 0}), json!({"value": 0})),
            (json!({"type": "undefined"}), json!({})),
        ] {
            assert_eq!(argument(&value), expected);
        }
    }
}
