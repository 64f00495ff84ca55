const TYPESCRIPT = /\.[mc]?ts$/;

/** The path of a TypeScript file URL, or undefined for everything else. */
export function typescriptPath(url: string, pathOf: (url: string) => string): string | undefined {
  if (!url.startsWith('file:')) return undefined;
  const end = url.search(/[?#]/);
  const bare = end < 0 ? url : url.slice(0, end);
  return TYPESCRIPT.test(bare) ? pathOf(bare) : undefined;
}
