export * from './welcome';
export type { LayoutProps } from './layout';
