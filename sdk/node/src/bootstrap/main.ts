/**
 * Loaded by Node before a domain (`node --require bootstrap.cjs entry`). Applies the configuration in
 * `FULCRUM_BOOTSTRAP`, and does nothing without it.
 */
import { autoStart } from './auto-start.ts';
import { nodeModule, urlOf } from './builtins.ts';
import { flushCompileCacheLater } from './compile-cache.ts';
import type { HookData } from './hooks.ts';
import { chooseInspectorPort } from './inspector-port.ts';
import { hideAddedPreload, inheritedConfig } from './inherited.ts';
import { cascadedLoader, hasInternals, internalModule, wrapResolve } from './internals.ts';
import type { TypeScriptSupport } from './loader.ts';
import { reportModules } from './loaded-modules.ts';
import { blockOnPipes } from './output.ts';
import { isDomainProcess, isDomainWorker, isWorker, readConfig } from './config.ts';
import type { BootstrapConfig } from './config.ts';
import { importedUrl, provideSdk } from './sdk.ts';
import { canStandBy, standBy } from './standby.ts';

const text = process.env.FULCRUM_BOOTSTRAP ?? (isWorker() ? inheritedConfig() : undefined);
const config = readConfig(text);
if (text !== undefined && config) applyConfig(config, text);

function applyConfig(config: BootstrapConfig, text: string): void {
  if (config.hidden) delete process.env.FULCRUM_BOOTSTRAP;
  // Without activation it would run the program at once, as a second process of the domain.
  if (config.standby && !isDomainWorker(config) && !(isDomainProcess(config) && canStandBy())) process.exit(0);
  const support = hookLoaders(config);
  if (!isDomainProcess(config)) {
    if (config.deferred !== null) hidePreload();
    hideAddedPreload();
    cascadedLoader();
    followChildren(config, text, support, 'child');
  } else if (config.standby) {
    if (config.modules !== null) cascadedLoader();
    standBy(config.standby, () => {
      // The entry may have changed while this process waited.
      const current = readConfig(process.env.FULCRUM_BOOTSTRAP) ?? config;
      if (current.deferred !== null) hidePreload();
      if (current.ts) support?.files.reconfigure(current.ts);
      blockOnPipes();
      setUpProcess(current, text, support, 'main');
    });
  } else {
    // When deferred, the package has done this already, and the entry has been loaded.
    if (config.deferred === null) blockOnPipes();
    setUpProcess(config, text, support, config.deferred === null ? 'main' : 'deferred');
  }
}

/** Installs what this Node needs to load the domain's code. */
function hookLoaders({ ts, sdk, modules }: BootstrapConfig): TypeScriptSupport | undefined {
  const support = ts === null ? undefined : loader().hookTypeScript(ts);
  const sdkNeedsThread = sdk !== null && provideSdk(sdk);
  if (support?.needsThread || sdkNeedsThread) {
    const data: HookData = { ts: support?.needsThread ? ts : null, sdk: sdk && sdkNeedsThread ? importedUrl(sdk) : null, modules };
    nodeModule().register(urlOf(`${__dirname}/hooks.mjs`), { data });
  }
  return support;
}

type Origin = 'main' | 'deferred' | 'child';

/** Sets up the domain's own process. */
function setUpProcess(config: BootstrapConfig, text: string, support: TypeScriptSupport | undefined, origin: Origin): void {
  chooseInspectorPort();
  autoStart(config.entry, config.starts && origin !== 'deferred');
  followChildren(config, text, support, origin);
  flushCompileCacheLater();
}

/** Reports what this process loads, and lets the processes and threads that it starts do the same. */
function followChildren({ modules, ts, entry }: BootstrapConfig, text: string, support: TypeScriptSupport | undefined, origin: Origin): void {
  support?.prepare();
  if (modules === null && ts === null) return;
  const { hookChildren, noteSpecifier, reportOwnWrites } = loader();
  const report = modules === null ? undefined : reportModules({
    entry: origin === 'child' ? process.argv[1] : entry,
    file: modules,
    origin,
    inputs: () => support?.files.openTable?.inputs() ?? [],
    noteSpecifier,
  });
  if (modules !== null) reportOwnWrites(`${modules}.written`, origin !== 'child');
  hookChildren({
    config: text,
    preloaded: origin !== 'deferred',
    // Its first report replaces the file, and must not replace a report of the child.
    starting: () => report?.(),
    entry: (path) => support?.resolver.entry(path, entry) ?? path,
  });
}

type Loader = typeof import('./loader.ts');
let opened: Loader | undefined;

/** The other file of the bootstrap. */
function loader(): Loader {
  if (opened) return opened;
  opened = require('./loader.cjs') as Loader;
  opened.setHost({ cascadedLoader, hasInternals, internalModule, wrapResolve });
  return opened;
}

/**
 * A cold start of this domain has no preload, because the bootstrap is deferred. A standby process
 * needs one, which is hidden from the domain's code and its children.
 */
function hidePreload(): void {
  const at = process.execArgv.findIndex((word, index) => word === '--require' && process.execArgv[index + 1] === __filename);
  if (at >= 0) process.execArgv.splice(at, 2);
}
