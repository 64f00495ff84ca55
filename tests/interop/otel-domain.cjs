// A domain with the stock OpenTelemetry SDK and pino. Both are set up by nothing but the environment
// that Fulcrum gives to a domain. `cargo xtask interop` runs this.
'use strict';
const { createRequire } = require('node:module');
const { DomainBase } = require('@fulcrum/domain');

const packages = createRequire(`${process.env.OTEL_JS_DIR}/package.json`);
const { NodeSDK } = packages('@opentelemetry/sdk-node');
const { PinoInstrumentation } = packages('@opentelemetry/instrumentation-pino');
const { trace } = packages('@opentelemetry/api');

const sdk = new NodeSDK({ instrumentations: [new PinoInstrumentation()] });
sdk.start();
const logger = packages('pino')();

module.exports = class Catalog extends DomainBase {
  async itemFindHandler({ sku }) {
    logger.info(`looking for ${sku}`);
    // A span of the app's own, below the handler's.
    return trace.getTracer('catalog').startActiveSpan('read the shelf', async (span) => {
      await new Promise((resolve) => { setTimeout(resolve, 5); });
      span.end();
      return { success: true, sku };
    });
  }

  onStop() {
    return sdk.shutdown();
  }
};
