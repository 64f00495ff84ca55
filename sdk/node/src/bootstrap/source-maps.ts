import { nodeModule } from './builtins.ts';

let enabled = false;

/** Makes Node map the positions in stacks; not for packages, where this Node can leave them out. */
export function enableSourceMaps(): void {
  if (enabled) return;
  enabled = true;
  // The domain has enabled them itself, perhaps for packages too.
  if ((process as { sourceMapsEnabled?: boolean }).sourceMapsEnabled) return;
  const { setSourceMapsSupport } = nodeModule();
  if (setSourceMapsSupport) setSourceMapsSupport(true, { nodeModules: false, generatedCode: false });
  else process.setSourceMapsEnabled(true);
}
