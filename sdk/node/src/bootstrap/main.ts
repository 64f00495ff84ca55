/**
 * Loaded by Node before a domain (`node --require bootstrap.cjs entry`). Applies the configuration in
 * `FULCRUM_BOOTSTRAP`, and does nothing without it.
 */
import { autoStart } from './auto-start.ts';
import { nodeModule, urlOf } from './builtins.ts';
import { flushCompileCacheLater } from './compile-cache.ts';
import type { HookData } from './hooks.ts';
import { cascadedLoader } from './internals.ts';
import { reportModules } from './loaded-modules.ts';
import { blockOnPipes } from './output.ts';
import { isDomainProcess, isDomainWorker, readConfig } from './config.ts';
import type { BootstrapConfig } from './config.ts';
import { importedUrl, provideSdk } from './sdk.ts';
import { canStandBy, standBy } from './standby.ts';
import { hookTypeScript } from './typescript.ts';
import type { TypeScriptSupport } from './typescript.ts';

const config = readConfig(process.env.FULCRUM_BOOTSTRAP);
if (config) applyConfig(config);

function applyConfig(config: BootstrapConfig): void {
  // Without activation it would run the program at once, as a second process of the domain.
  if (config.standby && !isDomainWorker(config) && !(isDomainProcess(config) && canStandBy())) process.exit(0);
  hookLoaders(config);
  if (!isDomainProcess(config)) {
    if (config.deferred !== null) hidePreload();
    cascadedLoader();
    if (config.modules !== null && isDomainWorker(config)) reportModules(process.argv[1], config.modules, 'worker');
  } else if (config.standby) {
    if (config.modules !== null) cascadedLoader();
    standBy(config.standby, () => {
      // The entry may have changed while this process waited.
      const current = readConfig(process.env.FULCRUM_BOOTSTRAP) ?? config;
      if (current.deferred !== null) hidePreload();
      blockOnPipes();
      setUpProcess(current, false);
    });
  } else {
    // When deferred, the package has done this already, and the entry has been loaded.
    if (config.deferred === null) blockOnPipes();
    setUpProcess(config, config.deferred !== null);
  }
}

/** Installs what this Node needs to load the domain's code. */
function hookLoaders({ ts, sdk, modules }: BootstrapConfig): TypeScriptSupport | undefined {
  const support = ts === null ? undefined : hookTypeScript(ts);
  const sdkNeedsThread = sdk !== null && provideSdk(sdk);
  if (support?.needsThread || sdkNeedsThread) {
    const data: HookData = { ts: support?.needsThread ? ts : null, sdk: sdk && sdkNeedsThread ? importedUrl(sdk) : null, modules };
    nodeModule().register(urlOf(`${__dirname}/hooks.mjs`), { data });
  }
  return support;
}

/** Sets up the domain's own process. */
function setUpProcess({ entry, starts, modules }: BootstrapConfig, deferred: boolean): void {
  autoStart(entry, starts && !deferred);
  if (modules !== null) reportModules(entry, modules, deferred ? 'deferred' : 'main');
  flushCompileCacheLater();
}

/**
 * A cold start of this domain has no preload, because the bootstrap is deferred. A standby process
 * needs one, which is hidden from the domain's code and its children.
 */
function hidePreload(): void {
  const at = process.execArgv.findIndex((word, index) => word === '--require' && process.execArgv[index + 1] === __filename);
  if (at >= 0) process.execArgv.splice(at, 2);
}
