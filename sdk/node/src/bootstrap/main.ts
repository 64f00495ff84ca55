/**
 * Loaded by Node ahead of a domain (`node --require bootstrap.cjs entry`). Does what
 * `FULCRUM_BOOTSTRAP` asks for, and nothing without it.
 */
import { autoStart } from './auto-start.ts';
import { nodeModule, urlOf } from './builtins.ts';
import { keepCompileCache } from './compile-cache.ts';
import type { HookData } from './hooks.ts';
import { blockOnPipes } from './output.ts';
import { isDomainProcess, readPlan } from './plan.ts';
import type { Plan } from './plan.ts';
import { importedUrl, provideSdk } from './sdk.ts';
import { hookTypeScript } from './typescript.ts';

const plan = readPlan(process.env.FULCRUM_BOOTSTRAP);
if (plan) follow(plan);

function follow({ ts, sdk, entry, ...rest }: Plan): void {
  const typesNeedThread = ts !== null && hookTypeScript(ts);
  const sdkNeedsThread = sdk !== null && provideSdk(sdk);
  if (typesNeedThread || sdkNeedsThread) {
    const data: HookData = { ts: typesNeedThread ? ts : null, sdk: sdk && sdkNeedsThread ? importedUrl(sdk) : null };
    nodeModule().register(urlOf(`${__dirname}/hooks.mjs`), { data });
  }
  if (isDomainProcess({ ts, sdk, entry, ...rest })) {
    // Loaded by the package, it comes after the streams' first use, and late enough to look.
    if (rest.later === null) blockOnPipes();
    autoStart(entry, rest.starts && rest.later === null);
    keepCompileCache();
  }
}
