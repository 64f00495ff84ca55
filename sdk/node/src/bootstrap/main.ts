/**
 * Loaded by Node ahead of a domain (`node --require bootstrap.cjs entry`). Does what
 * `FULCRUM_BOOTSTRAP` asks for, and nothing without it.
 */
import { autoStart } from './auto-start.ts';
import { nodeModule, urlOf } from './builtins.ts';
import { keepCompileCache } from './compile-cache.ts';
import type { HookData } from './hooks.ts';
import { cascadedLoader } from './internals.ts';
import { reportModules } from './modules.ts';
import { blockOnPipes } from './output.ts';
import { isDomainProcess, isDomainWorker, readPlan } from './plan.ts';
import type { Plan } from './plan.ts';
import { importedUrl, provideSdk } from './sdk.ts';
import { canStandBy, standBy } from './standby.ts';
import { hookTypeScript } from './typescript.ts';

const plan = readPlan(process.env.FULCRUM_BOOTSTRAP);
if (plan) follow(plan);

function follow(plan: Plan): void {
  // One that couldn't be told to begin would be a second life of the domain beside the first.
  if (plan.spare && !isDomainWorker(plan) && !(isDomainProcess(plan) && canStandBy())) process.exit(0);
  hookLoaders(plan);
  if (!isDomainProcess(plan)) {
    if (plan.later !== null) hidePreload();
    cascadedLoader();
    if (plan.modules !== null && isDomainWorker(plan)) reportModules(process.argv[1], plan.modules, 'worker');
  } else if (plan.spare) {
    if (plan.modules !== null) cascadedLoader();
    standBy(plan.spare, () => {
      // What the entry's text says may have changed while this process waited.
      const now = readPlan(process.env.FULCRUM_BOOTSTRAP) ?? plan;
      if (now.later !== null) hidePreload();
      blockOnPipes();
      serve(now, false);
    });
  } else {
    // Loaded by the package, it comes after the streams' first use, and late enough to look.
    if (plan.later === null) blockOnPipes();
    serve(plan, plan.later !== null);
  }
}

/** Installs what this Node needs to load the domain's code. */
function hookLoaders({ ts, sdk }: Plan): void {
  const typesNeedThread = ts !== null && hookTypeScript(ts);
  const sdkNeedsThread = sdk !== null && provideSdk(sdk);
  if (typesNeedThread || sdkNeedsThread) {
    const data: HookData = { ts: typesNeedThread ? ts : null, sdk: sdk && sdkNeedsThread ? importedUrl(sdk) : null };
    nodeModule().register(urlOf(`${__dirname}/hooks.mjs`), { data });
  }
}

/** What the domain's own process gets besides. */
function serve({ entry, starts, modules }: Plan, late: boolean): void {
  autoStart(entry, starts && !late);
  if (modules !== null) reportModules(entry, modules, late ? 'late' : 'main');
  keepCompileCache();
}

/**
 * A cold start of this domain has no preload, since the package stands in for it: only as a spare
 * it had to have one, which its code and what it starts needn't know of.
 */
function hidePreload(): void {
  const at = process.execArgv.findIndex((word, index) => word === '--require' && process.execArgv[index + 1] === __filename);
  if (at >= 0) process.execArgv.splice(at, 2);
}
