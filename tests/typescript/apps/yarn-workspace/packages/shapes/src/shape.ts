export const kinds: string[] = [];

export interface Shape {
  area(): number;
}

export function kind(name: string): ClassDecorator {
  return () => void kinds.push(name);
}
